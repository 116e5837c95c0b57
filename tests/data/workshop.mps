* A joiner's workshop: timber and hours become frames, and frames become chairs and tables.
NAME workshop
OBJSENSE
    MAX
ROWS
 N  profit
 L  timber
 L  hours
 L  polish
 G  frames
COLUMNS
    saw_cheap   timber  3.0   hours  1.0
    saw_cheap   frames  2.0   profit -0.4
    saw_fine    timber  2.0   hours  2.0
    saw_fine    frames  2.0
    chair       frames  -1.0  hours  1.5
    chair       profit  9.0
    table       frames  -2.0  hours  2.0
    table       polish  0.5   profit 15.0
    export      frames  -1.0  profit 2.0
RHS
    RHS         timber  60.0  hours  70.0
    RHS         polish  6.0
BOUNDS
 UP BND         chair   18.0
 UP BND         export  5.0
ENDATA
