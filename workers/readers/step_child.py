"""The child process of `step.py`: STEP in, GLB out, under a limit of memory. Run as a script: in, out, chord in mm.

It imports nothing of ours, so that it starts fast and runs from any folder.
"""

import resource
import sys

_MEMORY_LIMIT_BYTES = 12 << 30
# Fine enough that round holes stay round where the chord alone would allow few sides: 0.2 rad is 32 sides to a circle.
_ANGLE_RAD = 0.2


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT_BYTES, _MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import cascadio

    source, target, chord_mm = sys.argv[1], sys.argv[2], float(sys.argv[3])
    # With the faces of the boundary representation, by number, for every triangle.
    return int(cascadio.step_to_glb(source, target, chord_mm, _ANGLE_RAD, include_brep=True))


if __name__ == "__main__":
    sys.exit(main())
