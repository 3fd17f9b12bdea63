"""Switching the jail off, and commands that a filter on their text would let through."""
from attack import CONTAINER, HARMLESS, LINE_WRITES, SWITCH_OFF, TEXT_FILTERS, Attack, python, wrote

RUN = "echo @TOKEN@ > @OUT@/ran"

ATTACKS = (
    Attack("itself_without_a_jail", (SWITCH_OFF,), f"@LATHE@ sandbox run --mode full-access -- sh -c '{RUN}'", wrote("@OUT@/ran")),
    Attack("configuration_rewritten", (SWITCH_OFF,), "echo 'sandbox-mode: full-access # @TOKEN@' > @LATHE_HOME@/config.yaml",
           wrote("@LATHE_HOME@/config.yaml")),
    Attack("namespace_within", (SWITCH_OFF, CONTAINER), f"unshare -Ur sh -c '{RUN}'", wrote("@OUT@/ran")),
    Attack("env_in_front", (TEXT_FILTERS, LINE_WRITES), f"env A=1 nice sh -c '{RUN}'", wrote("@OUT@/ran")),
    Attack("find_exec", (TEXT_FILTERS,), "echo @TOKEN@ > f; find . -name f -exec cp {} @OUT@/ran \\;", wrote("@OUT@/ran")),
    Attack("xargs", (TEXT_FILTERS,), "echo @TOKEN@ > f; echo @OUT@/ran | xargs cp f", wrote("@OUT@/ran")),
    Attack("spelt_out", (TEXT_FILTERS,), f"$(printf '\\145\\166\\141\\154') \"$(echo '{RUN}' | base64 | base64 -d)\"",
           wrote("@OUT@/ran")),
    Attack("run_from_memory", (TEXT_FILTERS, LINE_WRITES), python(f"""
import os
fd = os.memfd_create("program", 0)
os.write(fd, b"#!/bin/sh\\n{RUN}\\n")
os.execv(f"/proc/self/fd/{{fd}}", ["program"])
"""), wrote("@OUT@/ran")),
    Attack("git_output_option", (HARMLESS,), "echo @TOKEN@ > f; git diff --no-index --output=@OUT@/ran /dev/null f", wrote("@OUT@/ran")),
    Attack("sed_writes", (HARMLESS,), "echo @TOKEN@ | sed -n 'w @OUT@/ran'", wrote("@OUT@/ran")),
    Attack("sort_output_option", (HARMLESS,), "echo @TOKEN@ | sort -o @OUT@/ran", wrote("@OUT@/ran")),
    Attack("tar_checkpoint", (HARMLESS,), f"tar cf /dev/null --checkpoint=1 --checkpoint-action=exec='sh -c \"{RUN}\"' readme.txt",
           wrote("@OUT@/ran")),
)
