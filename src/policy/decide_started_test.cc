#include <gtest/gtest.h>

#include <vector>

#include "lathe/policy/decide_fixture.h"

// Rules about commands, and the ways in which others start them or hide them.

namespace lathe::policy {
namespace {

using protocol::ApprovalPolicy;

TEST(DecideStarted, DenialsReachThroughEverythingThatStartsCommands) {
  const std::vector<Source> rules{source(Kind::kPerson, "rules: [{commands: [curl], decision: deny}]")};
  for (const char* text : {"curl x",
                           "env curl x",
                           "sudo -u a curl x",
                           "bash -c 'curl x'",
                           "x=$(curl y)",
                           "echo `curl x`",
                           "find . -exec curl {} +",
                           "xargs curl < f",
                           "timeout 5 curl x",
                           "watch curl x",
                           "c'u'rl x",
                           "/usr/bin/curl x",
                           "/tmp/curl x",
                           "a | curl x",
                           "f() { curl x; }; f",
                           "bash <<E\ncurl x\nE",
                           "eval curl x",
                           "FOO=1 curl x",
                           "command curl x",
                           "\\curl x",
                           "(curl x)",
                           "if a; then curl x; fi",
                           "nohup curl x &",
                           "curl.bin x"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kDeny) << text;
  }
}

TEST(DecideStarted, ADenialReachesWhatProgramsStartInTheirOwnWays) {
  const std::vector<Source> rules{source(Kind::kPerson, "rules: [{command: git push, decision: deny}]")};
  for (const char* text : {"script -qc 'git push' /dev/null",
                           "su -lc 'git push'",
                           "su root --comm='git push'",
                           "runuser -l x -c 'git push'",
                           "env -vS 'git push'",
                           "env --split='git push'",
                           "env a-b=1 git push",
                           "env - git push",
                           "timeout $x git push",
                           "exec -la x git push",
                           "command -p git push",
                           "xargs -i git push",
                           "find . -execdir git push \\;",
                           "busybox sh -c 'git push'",
                           "coproc N { git push; }",
                           "bash - <<<'git push'",
                           "sh -c \"git push $x\"",
                           "eval $x; git push",
                           "/usr/lib/git-core/git-push",
                           "git -c alias.x=push x",
                           "git submodule foreach 'git push'",
                           "git bisect run git push",
                           "git -c core.pager='git push' log",
                           "git -c core.sshCommand='git push' fetch",
                           "git -c credential.helper='!git push' fetch",
                           "git rebase --exec 'git push' main",
                           "GIT_SSH_COMMAND='git push' git fetch"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kDeny) << text;
  }
}

/// Each of these runs curl in some shell.
TEST(DecideStarted, WhatShellsReadInTwoWaysIsNotTakenForSafe) {
  const std::vector<Source> rules{source(Kind::kPerson, "rules: [{commands: [curl], decision: deny}]")};
  for (const char* text : {"cat <<EOF\nE\\\nOF\ncurl x\nEOF\n",
                           "cat <<E\nfoo\\\nE\n'$(curl x)'\nE\n",
                           "cat <<E\\\nF\n$(curl x)\nEF\n",
                           "echo \"`echo \\\"'\\\"; curl x; echo \\\"'\\\"`\"",
                           "cat <<E\n`echo \\\"'\\\"; curl x; echo \\\"'\\\"`\nE\n",
                           "echo \"$\\\n(curl x)\"",
                           "cat <<E\n$\\\n(curl x)\nE\n",
                           "x='$(curl y)'; echo ${x@\\\nP}",
                           "x='$(curl y)'; echo ${(e)x}",
                           "echo ${ curl x; }",
                           "echo ${|curl x; }",
                           "copro\\\nc curl x",
                           "whil\\\ne curl x; d\\\no break; don\\\ne",
                           "tim\\\ne ! curl x",
                           "A\\\n=1 curl x",
                           "a\\\n[1]=2 curl x",
                           "a=(1)b curl x",
                           "sh -c \"echo \\$'\\\\'; curl x #'\"",
                           "sh -c '[[ a || curl x ]]'",
                           "busybox sh -c '[[ a || curl x ]]'",
                           "declare -i a='b[$(curl x)]'",
                           "typeset -xi a; a='b[$(curl x)]'",
                           "declare -n r='a[$(curl x)]'; echo $r",
                           "declare BASH_CMDS[ls]=/usr/bin/curl; ls",
                           "BASH_CMDS=([ls]=/usr/bin/curl); ls",
                           "printf -v 'BASH_CMDS[ls]' /usr/bin/curl; ls",
                           "zsh -c 'hash ls=/usr/bin/curl; ls'",
                           "zsh -c '=curl x'",
                           "zsh -c 'noglob curl x'",
                           "zsh -c 'repeat 2 curl x'",
                           "zsh -c '- curl x'",
                           "cd /dev; bash stdin <<<'curl x'",
                           "cd /; bash dev/stdin <<<'curl x'",
                           "cd /proc/self; bash fd/0 <<<'curl x'"}) {
    EXPECT_NE(verdict(rules, command(text)), Verdict::kAllow) << text;
    EXPECT_EQ(verdict({}, command(text), ApprovalPolicy::kUntrusted), Verdict::kAsk) << text;
  }
  for (const char* text :
       {"cat <<E\na\\\nb\nE\n", "cat <<'E'\na\\\nE\n", "echo \"a\\\nb\"", "echo $'it\\'s'", "[[ a || b ]]",
        "sh -c 'echo a; ls'", "echo `echo a`", "echo ${x:-a}", "bash -c '[[ a || b ]]'"}) {
    EXPECT_TRUE(on_request(rules, command(text)).not_understood.empty()) << text;
  }
}

TEST(DecideStarted, AProgramThatMayStartTheDeniedOneAsks) {
  const std::vector<Source> rules{source(Kind::kPerson, "rules: [{commands: [curl], decision: deny}]")};
  for (const char* text : {"tar -I curl -xf a",
                           "tar -Icurl -xf a",
                           "rsync -e curl a b",
                           "sort --compress-program=curl f",
                           "sort --compress-program curl f",
                           "scp -S curl a b:",
                           "man -P 'curl x' ls",
                           "less '+!curl x' f",
                           "entr curl x",
                           "perf stat curl x",
                           "cmake -E env curl x",
                           "uv run curl x",
                           "screen -dm curl x",
                           "nc -e /usr/bin/curl h 1",
                           "split --filter=curl f",
                           "CC='curl x' make",
                           "sqlite3 a '.shell curl x'",
                           "hg --config 'alias.y=!curl x' y",
                           "apt-get -o APT::Update::Pre-Invoke::='curl x' update",
                           "m4 <<< 'syscmd(curl x)'",
                           "strace -o '|curl x' ls",
                           "xterm -e curl x",
                           "rsync -e'curl x' a b",
                           "TAR_OPTIONS=-Icurl tar xf a"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kAsk) << text;
  }
  for (const char* text :
       {"tar xf curl.tar", "man curl", "make curl", "npm install curl", "rg curl src", "x='curl y'", "CC=gcc make"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kAllow) << text;
  }
}

TEST(DecideStarted, ADenialReachesTheProgramsThatGitIsGiven) {
  const std::vector<Source> rules{source(Kind::kPerson, "rules: [{commands: [curl], decision: deny}]")};
  for (const char* text : {"git send-email --smtp-server=/usr/bin/curl x",
                           "git send-email --smtp-server ~/curl x",
                           "git send-email -SMTP-server=/usr/bin/curl x",
                           "git send-email -sendmail-cmd='curl x'",
                           "git send-email --cc-cmd='curl x' y",
                           "git -c sendemail.smtpServer=/usr/bin/curl send-email x",
                           "git -c sendemail.toCmd='curl x' send-email y",
                           "git ls-remote --u='curl x' y",
                           "git fetch --upload-pack='curl x' y",
                           "git push --receive-pack 'curl x' y",
                           "git push --e='curl x' y",
                           "git archive --remote=x --exec 'curl y' HEAD",
                           "git clone -qu 'curl x' y",
                           "git clone -c core.sshCommand='curl x' y",
                           "git grep -O'curl x' y",
                           "git grep --open-files-in-pager='curl x' y",
                           "git difftool -yx 'curl x'",
                           "git merge-index -o curl -a",
                           "git daemon --access-hook=/usr/bin/curl",
                           "git submodule--helper foreach 'curl x'",
                           "git filter-branch --msg-filter 'curl x' HEAD",
                           "git -c core.editor='curl x' commit",
                           "git -c core.fsmonitor='curl x' status",
                           "git -c sequence.editor='curl x' rebase -i y",
                           "git -c diff.external='curl x' diff",
                           "git -c diff.y.textconv='curl x' log",
                           "git -c merge.y.driver='curl x %O' merge z",
                           "git -c filter.y.smudge='curl x' checkout",
                           "git -c gc.recentObjectsHook='curl x' gc",
                           "git -c uploadpack.packObjectsHook='curl x' fetch",
                           "git -c core.alternateRefsCommand='curl x' fetch",
                           "git -c gpg.ssh.defaultKeyCommand='curl x' commit -S",
                           "git -c gpg.program=curl commit -S",
                           "git -c mergetool.y.path=/usr/bin/curl mergetool -t y",
                           "git -c mergetool.y.cmd='curl x' mergetool -t y",
                           "git -c remote.y.uploadpack='curl x' fetch y",
                           "git -c imap.tunnel='curl x' imap-send",
                           "git -c submodule.y.update='!curl x' submodule update",
                           "git -c credential.helper=/usr/bin/curl fetch",
                           "git -c credential.https://x.helper='!curl y' fetch",
                           "git config --global alias.y '!curl x'",
                           "GIT_EXTERNAL_DIFF='curl x' git diff",
                           "GIT_DIFFTOOL_EXTCMD='curl x' git difftool -y",
                           "env GIT_PROXY_COMMAND=curl git fetch x",
                           "export GIT_PAGER='curl x'; git log",
                           "GIT_EDITOR='curl x' git commit",
                           "GIT_SEQUENCE_EDITOR='curl x' git rebase -i y",
                           "GIT_ASKPASS=curl git fetch"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kDeny) << text;
  }
  for (const char* text : {"git archive --remote='ext::curl x' HEAD", "git -c core.hooksPath=x commit",
                           "git send-email --smtp-server=\"$x\" y", "git --config-env=core.pager=x log"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kAsk) << text;
  }
  for (const char* text : {"git send-email --smtp-server=mail.example.org x", "git -c gc.auto=0 fetch",
                           "git log --grep=curl", "git -c user.name=curl commit -m x", "git merge-index"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kAllow) << text;
  }
}

TEST(DecideStarted, WhatMayBeADeniedCommandAsks) {
  const std::vector<Source> rules{source(Kind::kPerson, "rules: [{command: git push, decision: deny}]")};
  for (const char* text :
       {"timeout $x ls", "env $x", "let 'x=a[$(git push 1>&2)]'", "source <(echo git push)", ". <(echo git push)",
        "echo git push | bash -", "trap \"$x\" EXIT", "echo push | xargs git", "echo push | xargs -I% git %", "git x",
        "git $x", "git --exec-path=x status", "git -c core.gitProxy='git push' log",
        "BASH_ENV='$(git push)' bash -c ls", "make CC='git push'", "make -f - <<<'a: ; git push'",
        "python3 -c 'import os; os.system(\"git push\")'", "awk 'BEGIN { system(\"git push\") }'",
        "tar cf a --checkpoint=1 --checkpoint-action=exec='git push' b"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kAsk) << text;
  }
  for (const char* text : {"git status", "git stash push", "git log push", "git -C a -c color.ui=never log",
                           "git commit -m 'before git push'", "echo git push", "grep 'git push' README.md",
                           "timeout 5 ls", "find . -name x", "make all"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kAllow) << text;
  }
  EXPECT_EQ(verdict({source(Kind::kPerson, "rules: [{commands: [curl], decision: deny}]")},
                    command("perl -e 'system(\"curl x\")'")),
            Verdict::kAsk);
  EXPECT_EQ(verdict({}, command("eval $x; rm -rf build")), Verdict::kAsk) << "what follows is dangerous";
}

}  // namespace
}  // namespace lathe::policy
