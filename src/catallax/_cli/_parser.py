"""What may be typed, and the help that teaches it. Nothing heavy is imported here."""

import ast
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from typing import Any

CODES = """\
exit codes:
  0    fine
  1    it could not be done; standard error says what, why and what to do
  2    the command was typed wrongly
  3    the books do not balance
  130  stopped with Ctrl-C (143 by SIGTERM); what was learned is kept"""

TOP = """\
Markets that learn to act: agents bid for the right to act, pay each other, and every
payment is in the books.

  catallax train CartPole-v1 --out runs/cart    train a market, keep it in runs/cart
  catallax train supply-chain --out runs/chain  let a market of goods find its prices
  catallax evaluate runs/cart                   play it greedily
  catallax inspect runs/cart                    who earned what
  catallax audit runs/cart                      check the books from the first transfer on
  catallax report runs/cart                     all of it as one page of HTML
  catallax solve market.json --money budget     prices that clear a market of goods

Each command explains itself: catallax train --help."""

TRAIN = """\
Train a market in a world and keep the run in a folder.

The market is the preset for that world; a known world needs no other setting. Names are
Gymnasium's (CartPole-v1, FrozenLake-v1); gymnax:Name and gymnasium:Id name a source.
supply-chain, commodity-flow, workshops and blends are industries, drawn with --seed; a file that
ends with .mps is a linear programme: there goods change hands at clearing prices, and
producers make goods of goods (a wide market). --steps are then steps of it (default: 400).

examples:
  catallax train CartPole-v1 --out runs/cart
  catallax train supply-chain --out runs/chain --seed 3
  catallax train plan.mps --out runs/plan
  catallax train FrozenLake-v1 --out runs/lake --world-option is_slippery=False
  catallax train --out runs/cart --resume

what you see: the mean return as training went on, the richest agents (credits; 'paid' and
'resold' are for worlds, 'rewards' is what they collected), one line about the books, and
what to try next. --json prints one object: run, world, seed, worlds, steps, seconds (in
training), episodes, return_mean (the mean return of the last tenth of the training
episodes, by whole chunks; null before the first has ended), balanced, drift_ticks,
transfers, digest (of the books: equal digests, equal runs). For a wide market you see its
value a step instead, and the producers who gain most; the object has run, world, steps,
seconds, value (a step, over the last 100 steps), planner_value (what one mind that knew
everything would get; null where techniques are not linear), value_share, balanced,
drift_ticks, drift_quanta (of goods), transfers, digest."""

EVALUATE = """\
Play whole episodes with a frozen copy of a market: nobody explores, learns or pays.

example:
  catallax evaluate runs/cart --episodes 100

what you see: the return of an episode is the sum of its rewards, in Gymnasium's own version
of the world where there is one. --json prints one object: run, world, episodes, seed,
return_mean, return_std, return_min, return_max, length_mean."""

INSPECT = """\
Tell who is who in a market: what each agent is, does, owns, paid and earned.

example:
  catallax inspect runs/cart --top 5

what you see: living agents, the richest first, amounts in credits over a whole life from
the journal. 'wins' are worlds bought, 'capital' was given rather than earned, 'wins now' is
the share of steps won in a few greedy episodes and 'where' what they looked like. --json
prints one object: run, world, steps, living, agents (amounts in whole ticks, a millionth of
a credit). Of a wide market you see prices beside the planner's, then owners of what comes
in, households and producers, who gains most of late first; the object has run, world, steps,
value, planner_value, value_share, prices (by good), holders."""

AUDIT = """\
Rebuild every balance from the first transfer on, and compare it with the run's own.

example:
  catallax audit runs/cart

what you see: 'balanced' if the journal's chain of hashes holds, every balance comes out as
the run has it and all of them sum to 0; 'drift' is by how many ticks they do not; then how
much money moved for which reason. Stocks of goods are rebuilt in the same way. --json
prints one object: run, steps, balanced, drift_ticks, transfers, digest, accounts, segments,
totals (of money, by reason), drift_quanta, goods (quanta by good and reason)."""

REPORT = """\
Write one page of HTML about a run: what it learned, who got rich, whether prices were right,
who trades with whom, the books and the rules. Of a wide market: its value against the
planner's, prices over time, the flows of goods as a picture, profits, the books and the
goods. It needs no network and no other file.

example:
  catallax report runs/cart --out cart.html

what you see: where the page is; open it in a browser. --json prints one object: run, report."""

SOLVE = """\
Find prices at which everybody gets a best bundle and the market clears, and certify them.

What money means is said by the file or by --money, since the answers differ:
  none    nobody is limited: everybody wants the most worth less payment
  cap     the same with min(worth, wealth) for worth: wealth satiates
  budget  the same, and nobody pays more than its wealth
  fisher  wealth is worth nothing unspent: everybody wants the most worth it can pay

examples:
  catallax solve market.json
  catallax solve market.json --money fisher --json
  catallax solve market.parquet --supply 1 --money budget --out prices.parquet
  catallax solve market.npz --plot market.svg

market.json, which may leave out the names (goods, agents), the wealth with money none, and
the money with --money:
  {"goods": ["bread", "wine"], "agents": ["ann", "bob"],
   "supply": [10, 4], "wealth": [30, 20], "money": "budget",
   "family": "linear", "values": [[2, 5], [3, 4]]}

the families, and their arrays (a row an agent, a column a good, unless said otherwise):
  linear               values
  ces                  weights, rho (one or one an agent), and scale if not 1
  cobb-douglas         shares (rows sum to 1), and scale if not 1
  leontief             needs, and scale if not 1
  quadratic            slopes, curvatures
  logarithmic          scales, offsets (one, or one a good, or a table)
  piecewise-linear     slopes, widths (agents, goods, pieces; a width of null has no end)
  piecewise-quadratic  slopes, curvatures, widths (each agents, goods, pieces)
  bounded-leontief     needs, slopes, curvatures, bounds (a bound of null is none)
  coupled-quadratic    slopes, curvatures (agents, goods, goods)
Several families in one market stand in a list, and their agents in that order:
   "families": [{"family": "linear", "values": [[2, 5]]},
                {"family": "leontief", "needs": [[1, 2]]}]

market.npz: arrays of the same names; those of several families are families.0.family,
families.0.values, families.1.needs and so on.
market.parquet, for linear values: a row an agent, a column a good, and the columns wealth
and agent (its name); supply and money stand in the file's metadata under these names, supply
as JSON: a list in the order of the columns, or an object by names. Or give --supply, --money.

what you see: prices and what is left over; the certificate, which says by how much any
condition of an equilibrium is missed, as a share; and bundles of the agents who pay most.
--json prints one object: market, money, method, result (certified, not_converged,
no_equilibrium or unknown), steps, seconds, tolerance, goods, agents, prices (a good),
bundles (agents, goods), spending (an agent; the marginal worth of its wealth), all_caps_met,
no_supply (a good), and certificate: violation (the largest), leftover (a good; a quantity),
unallocated, shortage, overspent, irrational and regret (an agent), regret_mean, gap, local;
null for what is no finite number. Without a certificate the object says error, what, why
and remedy too, the exit code is 1, and neither --out nor --plot writes anything."""

MARKETS, OUTCOMES, PICTURES = (
    (".json", ".npz", ".parquet"),
    (".json", ".npz", ".parquet"),
    (".png", ".svg"),
)
MONEY = ("none", "cap", "budget", "fisher")
METHODS = {
    "interior-point": "InteriorPoint",
    "weighted-welfare": "WeightedWelfare",
    "smoothed": "Smoothed",
    "closed-form": "ClosedForm",
    "proportional-response": "ProportionalResponse",
    "tatonnement": "Tatonnement",
}
"""Methods of solving, and their classes in `catallax.clearing.equilibrium`."""


def parser() -> ArgumentParser:
    """Returns the parser of the whole command line."""
    top = ArgumentParser(
        prog="catallax",
        usage="catallax <command> [options]",
        description=TOP,
        epilog=CODES,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="store_true", help="print the version and exit")
    commands = top.add_subparsers(
        dest="command", metavar="<command>", title="commands", prog="catallax"
    )
    _train(_command(commands, "train", "train a market in a world", TRAIN))
    _evaluate(_command(commands, "evaluate", "play greedily and say the return", EVALUATE))
    _inspect(_command(commands, "inspect", "say who earned what", INSPECT))
    _audit(_command(commands, "audit", "check the books", AUDIT))
    _report(_command(commands, "report", "write a page about a run", REPORT))
    _solve(_command(commands, "solve", "find prices that clear a market of goods", SOLVE))
    return top


def _command(commands: Any, name: str, words: str, description: str) -> ArgumentParser:
    command = commands.add_parser(
        name,
        help=words,
        description=description,
        epilog=CODES,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_argument(
        "--json", action="store_true", help="print one JSON object on standard output, nothing else"
    )
    return command


def _train(command: ArgumentParser) -> None:
    command.add_argument(
        "world", nargs="?", help="name of a world, such as CartPole-v1 or supply-chain"
    )
    command.add_argument("--out", required=True, metavar="RUN", help="folder to keep the run in")
    command.add_argument("--steps", type=whole, help="steps of worlds (default: the preset's)")
    command.add_argument("--seed", type=natural, help="of all that is drawn (default: 0)")
    command.add_argument(
        "--worlds",
        type=whole,
        help="worlds side by side, which share the books (default: the preset's)",
    )
    command.add_argument(
        "--world-option",
        type=option,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting of the world, such as is_slippery=False; may be given again",
    )
    command.add_argument("--overwrite", action="store_true", help="replace a run that is there")
    command.add_argument(
        "--resume", action="store_true", help="finish a run that was stopped; its settings stay"
    )
    command.add_argument(
        "--record-transfers", action="store_true", help="keep every single transfer as well"
    )
    command.add_argument("--tensorboard", metavar="DIR", help="write figures for TensorBoard there")
    command.add_argument(
        "--quiet", action="store_true", help="print nothing but errors, and show no progress"
    )


def _evaluate(command: ArgumentParser) -> None:
    _run_folder(command)
    command.add_argument("--episodes", type=whole, default=100, help="how many (default: 100)")
    command.add_argument(
        "--seed", type=natural, default=10_000, help="of the episodes (default: 10000)"
    )


def _inspect(command: ArgumentParser) -> None:
    _run_folder(command)
    command.add_argument("--top", type=whole, default=20, help="how many agents (default: 20)")


def _audit(command: ArgumentParser) -> None:
    _run_folder(command)


def _report(command: ArgumentParser) -> None:
    _run_folder(command)
    command.add_argument("--out", metavar="FILE", help="the page (default: report.html in the run)")


def _solve(command: ArgumentParser) -> None:
    command.add_argument("market", type=ending(*MARKETS), help="a file: .json, .npz or .parquet")
    command.add_argument("--money", choices=MONEY, help="what money means (default: the file's)")
    command.add_argument(
        "--supply",
        type=quantities,
        metavar="S,S,...",
        help="what there is, in place of the file's; one number for every good alike",
    )
    command.add_argument(
        "--method",
        choices=("auto", *METHODS),
        default="auto",
        help="how to search (default: auto, by the size and kind of the market)",
    )
    command.add_argument(
        "--tol",
        type=tolerance,
        default=1e-6,
        help="the largest violation that counts as an equilibrium, a share (default: 1e-6)",
    )
    command.add_argument(
        "--top", type=whole, default=20, help="how many agents and goods to show (default: 20)"
    )
    command.add_argument(
        "--out",
        type=ending(*OUTCOMES),
        metavar="FILE",
        help="write prices and bundles there: .json (what --json prints), .npz (arrays of the "
        "same names) or .parquet (a row an agent, the rest in the metadata)",
    )
    command.add_argument(
        "--plot",
        type=ending(*PICTURES),
        metavar="FILE",
        help="draw prices, supply and demand, and who gets what: .png or .svg (needs the extra "
        "plot)",
    )


def _run_folder(command: ArgumentParser) -> None:
    command.add_argument("run", help="folder of a run, from catallax train --out")


def whole(text: str) -> int:
    """Reads a number of 1 or more; `1e5` and `100_000` are fine."""
    return _number(text, 1)


def natural(text: str) -> int:
    """Reads a number of 0 or more."""
    return _number(text, 0)


def _number(text: str, least: int) -> int:
    try:
        value = float(text)
        if value != int(value) or value < least:
            raise ValueError(text)
        return int(value) if "e" in text.lower() or "." in text else int(text)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{text!r} is not a whole number of {least} or more") from None


def tolerance(text: str) -> float:
    """Reads a share between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return value


def quantities(text: str) -> tuple[float, ...]:
    """Reads numbers with commas between them."""
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a number, or numbers with commas") from None


def ending(*suffixes: str) -> Callable[[str], str]:
    """Returns a reader of names of files of these kinds."""

    def read(text: str) -> str:
        if not text.lower().endswith(suffixes):
            raise ArgumentTypeError(f"{text!r} does not end with {', '.join(suffixes)}")
        return text

    return read


def option(text: str) -> tuple[str, Any]:
    """Reads `key=value`; the value is a Python literal, or else text."""
    key, found, value = text.partition("=")
    if not found or not key.isidentifier():
        raise ArgumentTypeError(f"{text!r} is not of the form key=value")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def parse(arguments: Sequence[str] | None) -> Any:
    """Reads a command line.

    Args:
        arguments: Words after `catallax`; None for those of this process.

    Returns:
        A namespace with `command` and what it needs.

    Raises:
        SystemExit: 0 after help, 2 if it was typed wrongly.
    """
    top = parser()
    given = top.parse_args(arguments)
    if given.command is None and not given.version:
        top.error("a command is missing; catallax --help lists them")
    if given.command == "train":
        _check_train(top, given)
    return given


def _check_train(top: ArgumentParser, given: Any) -> None:
    if not given.resume and given.world is None:
        top.error("train needs a world, such as CartPole-v1 (or --resume)")
    if given.resume and given.overwrite:
        top.error("--resume goes on with a run and --overwrite replaces it: give one of them")
