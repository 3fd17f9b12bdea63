#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lathe/policy/decide_fixture.h"

// Rules about paths, and the files that commands may name.

namespace lathe::policy {
namespace {

TEST(DecidePaths, RulesAboutPathsAskWhereACommandMayNameTheFile) {
  const std::vector<Source> rules{
      source(Kind::kPerson, "rules: [{path: '**/secret.txt', access: read, decision: deny}]")};
  for (const char* text :
       {"cat secret.txt", "cat a/secret.txt", "grep -fsecret.txt x", "cd a && cat secret.txt",
        "curl -F f=@secret.txt x", "curl -F 'f=<secret.txt' x", "curl --data=@secret.txt x",
        "docker run --volume=secret.txt:/x y", "docker run --mount type=bind,src=secret.txt,dst=/x y"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kDeny) << text;
  }
  for (const char* text :
       {"cat sec*", "cat s[e]cret.txt", "cat a/*", "cat $f", "cat \"$f\"", "cat \"$PWD/secret.txt\"",
        "cat \"$(pwd)/secret.txt\"", "cat sec{ret,x}.txt", "cat <$f", "eval $x", "find . -exec cat {} +",
        "ls | xargs cat", "ls | xargs -I% cat %", "sed -n '$r secret.txt' x", "awk 'BEGIN{getline l<\"secret.txt\"}'",
        "python3 -c 'open(\"secret.txt\")'", "python3 -c \"open('secret.txt')$x\"", "cd a; vim -c 'r secret.txt'"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kAsk) << text;
  }
  for (const char* text : {"cat a.txt", "cat *.cc", "cat \"$f.cc\"", "echo $f", "exit $?", "cd $x && ls -la",
                           "git commit -m 'without secret.txt'", "echo 'no secret.txt'", "sed 's/a/b/' a.txt",
                           "awk -F, '{print $1}' a.txt"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kAllow) << text;
  }
  const std::vector<Source> dotted{source(Kind::kPerson, "rules: [{path: '**/.env', decision: deny}]")};
  EXPECT_EQ(verdict(dotted, command("cat *")), Verdict::kAllow);
  EXPECT_EQ(verdict(dotted, command("cat .e*")), Verdict::kAsk);
  EXPECT_EQ(verdict(dotted, command("shopt -s dotglob; cat *")), Verdict::kAsk);
  const std::vector<Source> hitl{source(Kind::kPerson, R"({"default_action": "allow", "rules": [
      {"tools": "local_shell", "when": [{"key": "command", "op": "glob", "value": "**/.ssh/**"}], "action": "deny"}]})",
                                        "p.json")};
  EXPECT_EQ(verdict(hitl, command("cat ~/.s*/id")), Verdict::kAsk);
  EXPECT_EQ(verdict(hitl, command("cat a.txt")), Verdict::kAllow);
}

TEST(DecidePaths, RulesAboutPathsFollowTheFolderThatACommandRunsIn) {
  const std::vector<Source> rules{source(Kind::kPerson, "rules: [{path: sub/key, decision: deny}]")};
  EXPECT_EQ(verdict(rules, command("cat sub/key")), Verdict::kDeny);
  EXPECT_EQ(verdict(rules, command("cat key")), Verdict::kAllow);
  EXPECT_EQ(verdict(rules, command("cd sub && cat key")), Verdict::kDeny);
  EXPECT_EQ(verdict(rules, command("bash -c 'cd ./sub; cat key'")), Verdict::kDeny);
  EXPECT_EQ(verdict(rules, command("cd other && cat key")), Verdict::kAllow);
  EXPECT_EQ(verdict(rules, command("cd $x && cat key")), Verdict::kAsk);
  EXPECT_EQ(verdict(rules, command("cd && cat key")), Verdict::kAsk);
  EXPECT_EQ(verdict(rules, command("env -C sub cat key")), Verdict::kAsk);
  EXPECT_EQ(verdict(rules, command("cd sub; false && cd ..; cat key")), Verdict::kAsk);
}

TEST(DecidePaths, RulesAboutPathsAskWhereTheFolderIsNotKnown) {
  const std::vector<Source> rules{source(Kind::kPerson, "rules: [{path: sub/key, decision: deny}]")};
  for (const char* text : {"git submodule foreach 'cat key'",
                           "git submodule foreach --recursive cat key",
                           "git bisect run cat key",
                           "git rebase -x 'cat key' main",
                           "git rebase -i --exec='cat key' main",
                           "git filter-branch --tree-filter 'cat key' HEAD",
                           "git -c alias.x='!cat key' x",
                           "git difftool -x 'cat key'",
                           "git --work-tree=sub add key",
                           "git --work-tree sub checkout -- key",
                           "git --git-dir=sub/.git add key",
                           "GIT_WORK_TREE=sub git add key",
                           "export GIT_WORK_TREE=sub; git add key",
                           "sudo -D sub cat key",
                           "sudo -i cat key",
                           "su - x -c 'cat key'",
                           "chroot sub cat key",
                           "unshare --wd=sub cat key",
                           "systemd-run --working-directory=sub cat key",
                           "find . -execdir cat key \\;",
                           ". ./x; cat key",
                           "source x && cat key",
                           "while a; do cat key; . ./x; done",
                           "OLDPWD=/w/sub; cd -; cat key",
                           "shopt -s autocd; sub; cat key",
                           "shopt -s cdable_vars; cd x; cat key",
                           "npm --prefix sub exec cat key"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kAsk) << text;
  }
  for (const char* text :
       {"git submodule foreach 'git status'", "git bisect run make", "git rebase -x 'cat other' main", "sudo cat key",
        "(. ./x); cat key", ". ./x; cat other", "find . -execdir cat other \\; -exec cat key \\;"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kAllow) << text;
  }
  const std::vector<Source> dashed{source(Kind::kPerson, "rules: [{path: '-sub/key', decision: deny}]")};
  EXPECT_EQ(verdict(dashed, command("cd -- -sub && cat key")), Verdict::kDeny);
}

TEST(DecidePaths, WhatAProcessOfItsOwnDoesToItsFolderEndsWithIt) {
  const std::vector<Source> rules{source(Kind::kPerson, "rules: [{path: sub/key, decision: deny}]")};
  const std::vector<Source> above{source(Kind::kPerson, "rules: [{path: key, decision: deny}]")};
  for (const char* text : {"(cd sub && cat key)", "echo $(cd sub; cat key)", "x=`cd sub; cat key`",
                           "cd sub && (cat key)", "(cd other; (cd ../sub; cat key))", "cd sub | cat x; cd sub; cat key",
                           "eval 'cd sub'; cat key", "command cd sub; cat key", "{ cd sub; }; cat key",
                           "if a; then cd sub; fi; cat key", "cd sub & cd sub; cat key"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kDeny) << text;
  }
  for (const char* text :
       {"(cd sub && ls); cat key", "x=$(cd sub; pwd); cat key", "cd sub | cat; cat key", "cd sub & cat key",
        "bash -c 'cd sub'; cat key", "(cd sub; make) && cat key", "echo x | cd sub; cat key"}) {
    EXPECT_EQ(verdict(rules, command(text)), Verdict::kAllow) << text;
    EXPECT_EQ(verdict(above, command(text)), Verdict::kDeny) << text;
  }
  EXPECT_EQ(verdict(rules, command("shopt -s lastpipe; echo x | cd sub; cat key")), Verdict::kDeny);
}

TEST(DecidePaths, InALoopOrAFunctionACommandMayComeAfterEveryOther) {
  const std::vector<Source> deep{source(Kind::kPerson, "rules: [{path: a/a/key, decision: deny}]")};
  const std::vector<Source> fixed{source(Kind::kPerson, "rules: [{path: /x/key, decision: deny}]")};
  EXPECT_EQ(verdict(deep, command("for i in 1 2; do cat key; cd a; done")), Verdict::kAsk);
  EXPECT_EQ(verdict(deep, command("while b; do cd a; done; cat key")), Verdict::kAsk);
  EXPECT_EQ(verdict(deep, command("for i in 1 2; do (cd a; cat key); done")), Verdict::kAllow);
  EXPECT_EQ(verdict(deep, command("(while b; do cd a; done); cat key")), Verdict::kAllow);
  EXPECT_EQ(verdict(fixed, command("for i in 1 2; do cat key; cd /x; done")), Verdict::kAsk);
  EXPECT_EQ(verdict(fixed, command("for i in 1 2; do cat key; cd /y; done")), Verdict::kAllow);
  EXPECT_EQ(verdict(fixed, command("f() { cat key; }; (cd /x; f)")), Verdict::kAsk);
  EXPECT_EQ(verdict(fixed, command("trap 'cat key' EXIT; cd /x")), Verdict::kAsk);
}

TEST(DecidePaths, HomeIsTheFolderThatTheCommandGets) {
  const std::vector<Source> rules{
      source(Kind::kPerson, "rules: [{path: [/homes/p/key, /data/p/key], decision: deny}]")};
  const std::vector<Source> others{source(Kind::kPerson, "rules: [{path: /etc/key, decision: deny}]")};
  const auto at_home = [](const char* text) {
    Action action = command(text);
    action.homes = {"/homes/p", "/data/p"};
    return action;
  };
  for (const char* text : {"cat ~/key", "cat $HOME/key", "cat \"$HOME/key\"", "cat ${HOME}/key", "cd && cat key",
                           "cd ~; cat key", "cd $HOME && cat key", "grep --file=$HOME/key x", "ls < ~/key"}) {
    EXPECT_EQ(verdict(rules, at_home(text)), Verdict::kDeny) << text;
    EXPECT_EQ(verdict(others, at_home(text)), Verdict::kAllow) << text;
    EXPECT_EQ(verdict(others, command(text)), Verdict::kAsk) << text << ", where home is not known";
  }
  EXPECT_EQ(verdict(rules, at_home("cat ~/k*")), Verdict::kAsk);
  EXPECT_EQ(verdict(others, at_home("cat ~/k*")), Verdict::kAllow);
  for (const char* text : {"cat ~other/key", "cat ~+/key", "HOME=/etc; cat ~/key", "export HOME=/etc; cat $HOME/key",
                           "for HOME in /etc; do cat ~/key; done", "read HOME < x; cat ~/key",
                           "env -i bash -c 'cat ~/key'", "sudo sh -c 'cat ~/key'", ". ./settings; cat ~/key",
                           "cat $HOMES/key", "cat '$HOME'\"$HOME/key\"", "cat ${HOME%/*}/key"}) {
    EXPECT_EQ(verdict(others, at_home(text)), Verdict::kAsk) << text;
  }
}

}  // namespace
}  // namespace lathe::policy
