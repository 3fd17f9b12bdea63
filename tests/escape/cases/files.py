"""Writing outside of the workspace: straight, through links, by races; destroying what lies there."""
from attack import (CONTAINER, DESTRUCTION, LINE_CARVED, LINE_LINKS, LINE_PRIVILEGES, LINE_READS, LINE_TIMEOUT, LINE_WRITES,
                    MOUNTS, RACES, SSRF, SUPPLY_CHAIN, SWITCH_OFF, SYSCALL, TRUSTED_LATER, Attack, changed, gone,
                    has_groups_rights, has_roots_rights, is_no_program, printed, printed_secret, python, wrote)

AT_HOME = "@HOME@/.local"
NO_PROGRAM = "echo '#!/bin/sh' > n; chmod +x n"

ATTACKS = (
    Attack("link_to_a_file_outside", (RACES, LINE_LINKS), "ln -s @OUT@/victim.txt l; echo @TOKEN@ > l",
           wrote("@OUT@/victim.txt")),
    Attack("link_to_a_folder_outside", (RACES, LINE_LINKS), "ln -s @OUT@ d; echo @TOKEN@ > d/new.txt",
           wrote("@OUT@/new.txt")),
    Attack("folder_swapped_for_a_link", (RACES, LINE_LINKS), python("""
import os, threading
os.mkdir("real"); os.symlink("@OUT@", "link"); os.rename("real", "d")
done = False
def swap():
    while not done:
        os.rename("d", "real"); os.rename("link", "d"); os.rename("d", "link"); os.rename("real", "d")
thread = threading.Thread(target=swap); thread.start()
for _ in range(10000):
    try:
        with open("d/swapped.txt", "w") as f: f.write("@TOKEN@")
    except OSError: pass
    if os.path.exists("@OUT@/swapped.txt"): break
done = True; thread.join()
"""), wrote("@OUT@/swapped.txt")),
    Attack("hard_link_to_a_file_outside", (RACES, LINE_WRITES), "ln @OUT@/victim.txt l && echo @TOKEN@ > l",
           wrote("@OUT@/victim.txt")),
    Attack("hard_link_to_a_secret_outside", (RACES, LINE_READS), "ln @OUT@/private.txt l && cat l", printed_secret),
    Attack("hard_link_put_outside", (RACES, LINE_WRITES), "echo @TOKEN@ > f; ln f @OUT@/ran", wrote("@OUT@/ran")),
    Attack("names_exchanged_with_a_file_outside", (RACES, LINE_READS), python(SYSCALL + """
open("f", "w").close()
call("renameat2", -100, b"f", -100, b"@OUT@/private.txt", 2)
print(open("f").read())
"""), printed_secret),
    Attack("through_the_root_of_proc", (RACES, LINE_WRITES), "echo @TOKEN@ > /proc/self/root@OUT@/victim.txt",
           wrote("@OUT@/victim.txt")),
    Attack("through_the_folder_of_another_process", (RACES, LINE_WRITES),
           "echo @TOKEN@ > /proc/@VICTIM@/cwd/victim.txt", wrote("@OUT@/victim.txt")),
    Attack("known_name_in_tmp", (RACES, LINE_WRITES), "echo @TOKEN@ > @PLANTED@", wrote("@PLANTED@")),
    Attack("dot_dot", (SSRF, LINE_WRITES), "echo @TOKEN@ > ../../outside/victim.txt", wrote("@OUT@/victim.txt")),
    Attack("dot_dot_read", (SSRF, LINE_READS), "cat ./../../outside/private.txt", printed_secret),
    Attack("descriptor_left_open", (CONTAINER, LINE_WRITES), "echo @TOKEN@ >&9", wrote("@OUT@/open.txt")),
    Attack("folder_moved_out", (DESTRUCTION, LINE_WRITES), "mkdir m; echo @TOKEN@ > m/f; mv m @OUT@/m",
           wrote("@OUT@/m/f")),
    Attack("configuration_of_the_system", (DESTRUCTION, LINE_WRITES), "echo @TOKEN@ > @ETC@", wrote("@ETC@"),
           users=("root",)),
    Attack("program_of_the_system", (SUPPLY_CHAIN, LINE_WRITES), "echo @TOKEN@ > @USR@; chmod +x @USR@", wrote("@USR@"),
           users=("root",)),
    Attack("beside_the_workspace", (SSRF, LINE_CARVED), "echo @TOKEN@ > ../planted.txt", wrote("@HOME@/planted.txt")),
    Attack("in_a_neighbouring_project", (TRUSTED_LATER, LINE_CARVED),
           "echo @TOKEN@ > @HOME@/neighbour/Makefile", wrote("@HOME@/neighbour/Makefile")),
    Attack("files_deleted", (DESTRUCTION,), "rm -rf @OUT@/victim.txt", gone("@OUT@/victim.txt")),
    Attack("documents_deleted", (DESTRUCTION,), "rm -rf @HOME@/Documents", gone("@HOME@/Documents/thesis.txt")),
    Attack("file_truncated", (DESTRUCTION,), "truncate -s 0 @OUT@/victim.txt",
           changed("@OUT@/victim.txt", "precious\n"), since_abi=3),
    Attack("mode_changed", (DESTRUCTION,), "chmod 0777 @OUT@/private.txt",
           lambda world, output: (world.outside / "private.txt").stat().st_mode & 0o777 == 0o777, levels=MOUNTS),
    Attack("times_changed", (DESTRUCTION,), "touch -d @1000000000 @OUT@/victim.txt",
           lambda world, output: int((world.outside / "victim.txt").stat().st_mtime) == 1000000000, levels=MOUNTS),
    # A program in the workspace that gives its owner's rights to everyone on the machine.
    Attack("rights_for_everyone", (CONTAINER, LINE_PRIVILEGES), "cp /bin/true s; chmod 4755 s", has_roots_rights("@HOME@/project/s")),
    Attack("rights_for_everyone_by_descriptor", (CONTAINER, LINE_PRIVILEGES), python(SYSCALL + """
import shutil
shutil.copy("/bin/true", "s")
fd = os.open("s", os.O_RDONLY)
call("fchmod", fd, 0o4755)
call("fchmodat2", -100, b"s", 0o4755, 0)
"""), has_roots_rights("@HOME@/project/s")),
    Attack("rights_for_everyone_at_birth", (CONTAINER, LINE_PRIVILEGES), python("""
import os
fd = os.open("s", os.O_CREAT | os.O_RDWR, 0o4755)
os.write(fd, open("/bin/true", "rb").read())
"""), has_roots_rights("@HOME@/project/s"), users=("root",)),
    Attack("groups_rights_for_everyone", (CONTAINER, LINE_PRIVILEGES), "cp /bin/true s; chmod 2755 s", has_groups_rights("@HOME@/project/s")),
    Attack("groups_rights_for_everyone_by_descriptor", (CONTAINER, LINE_PRIVILEGES), python(SYSCALL + """
import shutil
shutil.copy("/bin/true", "s")
fd = os.open("s", os.O_RDONLY)
call("fchmod", fd, 0o2755)
call("fchmodat2", -100, b"s", 0o2755, 0)
"""), has_groups_rights("@HOME@/project/s")),
    Attack("groups_rights_for_everyone_at_birth", (CONTAINER, LINE_PRIVILEGES), python("""
import os
fd = os.open("s", os.O_CREAT | os.O_RDWR, 0o2755)
os.write(fd, open("/bin/true", "rb").read())
"""), has_groups_rights("@HOME@/project/s"), users=("root",)),
    Attack("folder_of_the_group", (CONTAINER, LINE_PRIVILEGES), "mkdir d; chmod 2775 d", has_groups_rights("@HOME@/project/d")),
    Attack("keeper_replaced", (SWITCH_OFF, LINE_WRITES),
           f"{NO_PROGRAM}; k={AT_HOME}/libexec/lathe/lathe-keeper; for p in $k /run/lathe/lathe-keeper /proc/1/root$k /proc/$PPID/root$k; do cp -f n $p; done",
           is_no_program(f"{AT_HOME}/libexec/lathe/lathe-keeper"), installed_at_home=True),
    Attack("lathe_replaced", (SWITCH_OFF, SUPPLY_CHAIN), f"{NO_PROGRAM}; cp -f n {AT_HOME}/bin/lathe",
           is_no_program(f"{AT_HOME}/bin/lathe"), installed_at_home=True),
    Attack("lathe_moved_aside", (SWITCH_OFF, SUPPLY_CHAIN), f"{NO_PROGRAM}; mv {AT_HOME}/bin b; mkdir {AT_HOME}/bin; cp n {AT_HOME}/bin/lathe",
           is_no_program(f"{AT_HOME}/bin/lathe"), installed_at_home=True),
    Attack("disk_filled", (DESTRUCTION, LINE_TIMEOUT), "head -c 60M /dev/zero > big; sleep 1; echo SURVIVED", printed("SURVIVED"), small_disk="."),
    Attack("disk_filled_by_many", (DESTRUCTION, LINE_TIMEOUT), "head -c 60M /dev/zero | split -a 3 -b 100k - f; sleep 1; echo SURVIVED",
           printed("SURVIVED"), small_disk="."),
    Attack("disk_within_filled", (DESTRUCTION, LINE_TIMEOUT), "head -c 60M /dev/zero > disk/big; sleep 1; echo SURVIVED", printed("SURVIVED"), small_disk="disk"),
)
