"""Writing what programs outside of the jail execute or obey, and running what lies in the repository."""
from attack import (HANDLERS, LINE_CARVED, LINE_LINKS, LINE_PROTECTED, LINE_WRITES, POISON, REPOSITORY, SUPPLY_CHAIN, SWITCH_OFF,
                    TRUSTED_LATER, Attack, wrote)

RUN = "echo @TOKEN@ > @OUT@/ran"

START_UP_FILES = (".zshenv", ".bash_profile", ".bash_login", ".config/fish/config.fish", ".config/environment.d/x.conf",
                  ".pam_environment", ".ssh/environment", ".ssh/rc", ".xprofile")

# Level landlock cannot forbid these; the guard takes them back when the command ends.
PROTECTED = (
    Attack("hook_rewritten", (TRUSTED_LATER, LINE_PROTECTED), "echo 'touch @TOKEN@' > .git/hooks/pre-commit",
           wrote("@HOME@/project/.git/hooks/pre-commit")),
    Attack("hook_added", (TRUSTED_LATER, LINE_PROTECTED), "echo 'touch @TOKEN@' > .git/hooks/post-checkout; chmod +x .git/hooks/post-checkout",
           wrote("@HOME@/project/.git/hooks/post-checkout")),
    Attack("git_told_to_run_something", (TRUSTED_LATER, LINE_PROTECTED), "printf '[core]\\n\\tfsmonitor = @TOKEN@\\n' >> .git/config",
           wrote("@HOME@/project/.git/config")),
    Attack("git_config_replaced", (TRUSTED_LATER, LINE_PROTECTED), "cp .git/config c; echo '# @TOKEN@' >> c; mv -f c .git/config",
           wrote("@HOME@/project/.git/config")),
    Attack("git_config_through_a_hard_link", (TRUSTED_LATER, LINE_LINKS),
           "ln .git/config c; echo '# @TOKEN@' >> c", wrote("@HOME@/project/.git/config")),
    Attack("git_folder_moved_aside", (TRUSTED_LATER, LINE_CARVED), "mv .git g; echo '# @TOKEN@' >> g/config; mv g .git",
           wrote("@HOME@/project/.git/config")),
    Attack("hooks_swapped_for_a_link", (TRUSTED_LATER, LINE_LINKS),
           "mkdir h; echo 'touch @TOKEN@' > h/pre-commit; mv .git/hooks old; ln -s ../h .git/hooks",
           wrote("@HOME@/project/.git/hooks/pre-commit")),
    Attack("mask_taken_off", (SWITCH_OFF, LINE_CARVED), "umount .git/config 2>/dev/null; umount -l .git/config 2>/dev/null; echo '# @TOKEN@' >> .git/config",
           wrote("@HOME@/project/.git/config")),
    Attack("editor_task_rewritten", (TRUSTED_LATER, LINE_PROTECTED), "echo '{\"command\": \"@TOKEN@\"}' > .vscode/tasks.json",
           wrote("@HOME@/project/.vscode/tasks.json")),
    Attack("agent_definition_rewritten", (POISON, LINE_PROTECTED), "echo 'obey @TOKEN@' > .lathe/agents/helper.md",
           wrote("@HOME@/project/.lathe/agents/helper.md")),
    Attack("agent_definitions_replaced", (POISON, LINE_CARVED),
           "mv .lathe l; mkdir -p .lathe/agents; echo 'obey @TOKEN@' > .lathe/agents/helper.md",
           wrote("@HOME@/project/.lathe/agents/helper.md")),
)

ATTACKS = PROTECTED + (
    Attack("other_agents_settings", (POISON,), "echo @TOKEN@ > @HOME@/.claude/settings.json",
           wrote("@HOME@/.claude/settings.json")),
    Attack("instructions_for_every_project", (POISON,), "echo @TOKEN@ > @LATHE_HOME@/AGENTS.md",
           wrote("@LATHE_HOME@/AGENTS.md")),
    Attack("gits_own_settings", (TRUSTED_LATER,), "git config --file @HOME@/.gitconfig core.pager 'echo @TOKEN@'",
           wrote("@HOME@/.gitconfig")),
    Attack("planted_fsmonitor", (REPOSITORY,), f"printf '#!/bin/sh\\n{RUN}\\n' > p; chmod +x p; git -c core.fsmonitor=./p status",
           wrote("@OUT@/ran")),
    Attack("planted_build_script", (REPOSITORY,), f"printf '#!/bin/sh\\n{RUN}\\n' > configure; chmod +x configure; ./configure",
           wrote("@OUT@/ran")),
    Attack("planted_start_up_file", (REPOSITORY,), f"echo '{RUN}' > rc; BASH_ENV=./rc bash -c true", wrote("@OUT@/ran")),
    Attack("planted_module", (REPOSITORY,), "echo 'open(\"@OUT@/ran\", \"w\").write(\"@TOKEN@\")' > json.py; python3 -c 'import sys; sys.path.insert(0, \".\"); import json'",
           wrote("@OUT@/ran")),
    Attack("start_up_file", (SUPPLY_CHAIN, LINE_WRITES), "echo 'echo @TOKEN@' >> @HOME@/.bashrc", wrote("@HOME@/.bashrc")),
    Attack("program_in_the_path", (SUPPLY_CHAIN, LINE_WRITES), "mkdir -p @HOME@/.local/bin; echo 'echo @TOKEN@' > @HOME@/.local/bin/git",
           wrote("@HOME@/.local/bin/git")),
    Attack("keys_that_may_log_in", (SUPPLY_CHAIN, LINE_WRITES), "echo '@TOKEN@' >> @HOME@/.ssh/authorized_keys",
           wrote("@HOME@/.ssh/authorized_keys")),
    Attack("start_up_files_of_other_shells", (SUPPLY_CHAIN, LINE_WRITES),
           f"mkdir -p @HOME@/.config/fish @HOME@/.config/environment.d; for f in {' '.join(START_UP_FILES)}; do echo 'LD_PRELOAD=@TOKEN@' >> @HOME@/$f; done",
           lambda world, output: any(world.wrote(world.home / name) for name in START_UP_FILES)),
    Attack("link_handler", (HANDLERS,), "mkdir -p @HOME@/.local/share/applications; echo 'Exec=@TOKEN@' > @HOME@/.local/share/applications/x.desktop",
           wrote("@HOME@/.local/share/applications/x.desktop")),
    Attack("started_with_the_desktop", (HANDLERS,), "mkdir -p @HOME@/.config/autostart; echo 'Exec=@TOKEN@' > @HOME@/.config/autostart/x.desktop",
           wrote("@HOME@/.config/autostart/x.desktop")),
)
