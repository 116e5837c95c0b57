import catallax as cx
from small_markets import trained


def test_callbacks_are_called_and_can_stop():
    class Watch(cx.Callback):
        def __init__(self):
            self.seen = []

        def on_training_start(self, economy):
            self.seen.append("start")

        def on_segment_end(self, economy):
            self.seen.append(economy.tick)
            return False

        def on_training_end(self, economy):
            self.seen.append("end")

    watch = Watch()
    economy = trained(steps=10_000_000, callbacks=[watch])
    assert watch.seen == ["start", economy.tick, "end"]
    assert economy.audit().balanced
