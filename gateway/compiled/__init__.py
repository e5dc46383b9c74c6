"""Plans made into code: the same answers as `execution` gives, with nothing left to interpret.

What flows through: a `QueryPlan` and the values of its conditions -> positions (`positions.py`: every object of the
answer, which fetch brings which of its fields) -> structs (`structs.py`: one type for each position, exactly the asked
fields in the client's order) -> source text (`writing.py`) -> a `Program` (`program.py`). At run time an answer's bytes
are decoded straight into the final structs, fields of other subgraphs are set on the same objects, and those objects
are encoded.

Whatever the structs cannot say (an error, a null where none may be, a value of another type) is a `Surprise`: the
generic executor takes over, with every answer that has been asked for already. What no program can be written for is
`NotCompilable`, and never tried.
"""
