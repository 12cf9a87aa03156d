"""What a look at a declared sample can say: the words of its table, and of all who read it."""

EFFECT, NO_EFFECT, GO_ON = "effect", "no relevant effect", "go on"
NOT_DECIDED, NOT_REACHED = "not decided", "not reached"
DECIDES_NOTHING = "decides nothing"
INSENSITIVE = "insensitive: its positive control is not told from the control"
