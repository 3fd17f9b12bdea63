#include "lathe/syntax/shell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lathe/base/strings.h"

namespace lathe::syntax {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> commands(std::string_view text) {
  const auto script = parse_script(text);
  EXPECT_TRUE(script.ok()) << text;
  std::vector<std::string> out;
  if (!script.ok()) return out;
  EXPECT_TRUE(script->understood) << text << ": " << script->why;
  for (const SimpleCommand& command : script->commands) {
    out.push_back((command.only_wraps ? "~" : "") + command_text(command));
  }
  return out;
}

std::string why(std::string_view text) {
  const auto script = parse_script(text);
  EXPECT_TRUE(script.ok()) << text;
  return script.ok() && !script->understood ? script->why : "";
}

struct Row {
  std::string_view text;
  std::vector<std::string> expected;
};

class Understood : public ::testing::TestWithParam<Row> {};
TEST_P(Understood, Lists) { EXPECT_EQ(commands(GetParam().text), GetParam().expected) << GetParam().text; }

INSTANTIATE_TEST_SUITE_P(
    Lists, Understood,
    ::testing::Values(Row{"ls", {"ls"}},
                      Row{"a && b || c; d & e | f |& g\nh", {"a", "b", "c", "d", "e", "f", "g", "h"}},
                      Row{"! time -p a", {"a"}}, Row{"# note\nls # end\n", {"ls"}}, Row{" \n", {}},
                      Row{"# rm x\n  # y", {}}, Row{"a \\\n  b", {"a b"}}, Row{"echo a#b", {"echo 'a#b'"}}));
INSTANTIATE_TEST_SUITE_P(Quotes, Understood,
                         ::testing::Values(Row{"echo 'a b' \"c d\" e\\ f", {"echo 'a b' 'c d' 'e f'"}},
                                           Row{"r''m -r\"f\" /", {"rm -rf /"}}, Row{"\\rm x", {"rm x"}},
                                           Row{"$'\\x72\\155' x", {"rm x"}}, Row{"echo \"a;b|c\"", {"echo 'a;b|c'"}},
                                           Row{"echo 'done' if then", {"echo done if then"}},
                                           Row{"echo \"\\$x\"", {"echo '$x'"}}));
INSTANTIATE_TEST_SUITE_P(
    Expansions, Understood,
    ::testing::Values(Row{"echo $(rm x)", {"rm x", "echo $(rm x)"}}, Row{"echo `rm x`", {"rm x", "echo `rm x`"}},
                      Row{"echo \"a $(b \"$(c)\") d\"", {"c", "b $(c)", "echo a $(b \"$(c)\") d"}},
                      Row{"x=$(a) b", {"a", "x=$(a) b"}}, Row{"echo ${x:-$(a)}", {"a", "echo ${x:-$(a)}"}},
                      Row{"diff <(a) >(b)", {"a", "b", "diff <(a) >(b)"}}, Row{"echo $((1 + 2))", {"echo $((1 + 2))"}},
                      Row{"echo $( (a); b )", {"a", "b", "echo $( (a); b )"}}, Row{"a=(1 $(b)) c", {"b", "a=(…) c"}},
                      Row{"{rm,-rf,/}", {"{rm,-rf,/}"}}));
INSTANTIATE_TEST_SUITE_P(Redirections, Understood,
                         ::testing::Values(Row{"a >b 2>&1 <c", {"a > b >&1 < c"}}, Row{"a &>b", {"a > b"}},
                                           Row{"a >&b", {"a > b"}}, Row{">x", {"> x"}}, Row{"a <<<b", {"a <<…"}},
                                           Row{"(a; b) >c", {"a", "b", "> c"}},
                                           Row{"cat <<E | d\nx $(r)\nE\nf", {"r", "cat <<…", "d", "f"}},
                                           Row{"cat <<'E'\nx $(r)\nE", {"cat <<…"}},
                                           Row{"cat <<-E\n\tx\n\tE\nf", {"cat <<…", "f"}},
                                           Row{"cat <<A <<B\n1\nA\n2\nB\nc", {"cat <<… <<…", "c"}}));
INSTANTIATE_TEST_SUITE_P(Compound, Understood,
                         ::testing::Values(Row{"if a; then b; elif c; then d; else e; fi", {"a", "b", "c", "d", "e"}},
                                           Row{"for i in 1 $(x); do a $i; done >l", {"x", "a $i", "> l"}},
                                           Row{"while a; do b; done; until c; do d; done", {"a", "b", "c", "d"}},
                                           Row{"case $x in a|b) c;; *) d;; esac", {"c", "d"}},
                                           Row{"f() { a; }; f", {"a", "f"}}, Row{"function g { b; }", {"b"}},
                                           Row{"{ a; b; }", {"a", "b"}}, Row{"(a)", {"a"}},
                                           Row{"[[ -f x && $y == z* ]] && a", {"a"}}, Row{"coproc a", {"a"}}));
INSTANTIATE_TEST_SUITE_P(
    Wrappers, Understood,
    ::testing::Values(
        Row{"bash -c 'a; b'", {"~bash -c 'a; b'", "a", "b"}}, Row{"/bin/sh -lc a", {"~/bin/sh -lc a", "a"}},
        Row{"bash -o pipefail -ec 'bash -c \"rm x\"'",
            {"~bash -o pipefail -ec 'bash -c \"rm x\"'", "~bash -c 'rm x'", "rm x"}},
        Row{"env -i -u X A=1 rm x", {"~env -i -u X A=1 rm x", "A=1 rm x"}},
        Row{"sudo -u root rm x", {"sudo -u root rm x", "rm x"}},
        Row{"timeout -k 5 10 nice -n 3 rm x", {"~timeout -k 5 10 nice -n 3 rm x", "~nice -n 3 rm x", "rm x"}},
        Row{"xargs -0 -n1 rm -f", {"~xargs -0 -n1 rm -f", "rm -f …"}},
        Row{"find . -name x -exec rm {} ';' -exec c {} +",
            {"find . -name x -exec rm '{}' ';' -exec c '{}' +", "rm {}", "c {}"}},
        Row{"watch -n 1 'rm x'", {"~watch -n 1 'rm x'", "rm x"}}, Row{"eval rm x", {"~eval rm x", "rm x"}},
        Row{"command rm x", {"~command rm x", "rm x"}}, Row{"exec rm x", {"~exec rm x", "rm x"}},
        Row{"trap 'rm x' EXIT", {"trap 'rm x' EXIT", "rm x"}}, Row{"su -c 'rm x'", {"su -c 'rm x'", "rm x"}},
        Row{"bash <<E\nrm x\nE", {"~bash <<…", "rm x"}}, Row{"sh <<<'rm x'", {"~sh <<…", "rm x"}},
        Row{"nohup setsid rm x &", {"nohup setsid rm x", "~setsid rm x", "rm x"}},
        Row{"flock /l -c 'rm x'", {"flock /l -c 'rm x'", "rm x"}}, Row{"bash script.sh", {"bash script.sh"}},
        Row{"strace -o x ls", {"strace -o x ls", "ls"}}, Row{"\\time -o x ls", {"time -o x ls", "ls"}},
        Row{"A=1 bash -c 'B=2 a; b'", {"~A=1 bash -c 'B=2 a; b'", "A=1 B=2 a", "A=1 b"}}));

INSTANTIATE_TEST_SUITE_P(
    OptionsOfWrappers, Understood,
    ::testing::Values(Row{"script -qc 'rm x' /dev/null", {"script -qc 'rm x' /dev/null", "rm x"}},
                      Row{"script /dev/null --comm='rm x'", {"script /dev/null '--comm=rm x'", "rm x"}},
                      Row{"su -lc 'rm x' root", {"su -lc 'rm x' root", "rm x"}},
                      Row{"su - a -c 'rm x'", {"su - a -c 'rm x'", "rm x"}},
                      Row{"runuser -u a -- rm x", {"runuser -u a -- rm x", "rm x"}},
                      Row{"env a-b=1 /c=2 rm x", {"~env a-b=1 /c=2 rm x", "a-b=1 /c=2 rm x"}},
                      Row{"env - rm x", {"~env - rm x", "rm x"}}, Row{"exec -la z rm x", {"~exec -la z rm x", "rm x"}},
                      Row{"command -p rm x", {"~command -p rm x", "rm x"}},
                      Row{"timeout --sig 9 -vk1 5 rm x", {"~timeout --sig 9 -vk1 5 rm x", "rm x"}},
                      Row{"xargs -i rm x", {"~xargs -i rm x", "rm x"}},
                      Row{"xargs -I{} git {}", {"~xargs '-I{}' git '{}'", "git {}"}},
                      Row{"unshare --setgroups deny rm x", {"unshare --setgroups deny rm x", "rm x"}},
                      Row{"/lib64/ld-linux-x86-64.so.2 rm x", {"/lib64/ld-linux-x86-64.so.2 rm x", "rm x"}},
                      Row{"find . -ok rm + y \\;", {"find . -ok rm + y ';'", "rm + y"}},
                      Row{"coproc N { rm x; }", {"rm x"}}, Row{"((rm x) || (a))", {"rm x", "a"}},
                      Row{"bash -oc posix 'rm x'", {"~bash -oc posix 'rm x'", "rm x"}},
                      Row{"bash - <<<'rm x'", {"~bash - <<…", "rm x"}},
                      Row{"sh /dev/stdin <<<'rm x'", {"~sh /dev/stdin <<…", "rm x"}},
                      Row{". /dev/stdin <<<'rm x'", {". /dev/stdin <<…", "rm x"}},
                      Row{"PAGER='rm x' man a", {"PAGER='rm x' man a", "rm x"}},
                      Row{"export EDITOR='rm x'", {"export 'EDITOR=rm x'", "rm x"}}));
INSTANTIATE_TEST_SUITE_P(Git, Understood,
                         ::testing::Values(Row{"/usr/lib/git-core/git-push a",
                                               {"/usr/lib/git-core/git-push a", "git push a"}},
                                           Row{"git submodule -q foreach --recursive 'rm x'",
                                               {"git submodule -q foreach --recursive 'rm x'", "rm x"}},
                                           Row{"git bisect run rm x", {"git bisect run rm x", "rm x"}},
                                           Row{"git rebase -ix 'rm x' a", {"git rebase -ix 'rm x' a", "rm x"}},
                                           Row{"git -c alias.z='push -f' z a",
                                               {"git -c 'alias.z=push -f' z a", "git push -f", "git push -f a"}},
                                           Row{"git config alias.z '!rm x'", {"git config alias.z '!rm x'", "rm x"}},
                                           Row{"git -C a -c color.ui=never log", {"git -C a -c color.ui=never log"}}));

class NotUnderstood : public ::testing::TestWithParam<const char*> {};
TEST_P(NotUnderstood, SaysWhy) { EXPECT_NE(why(GetParam()), "") << GetParam(); }
INSTANTIATE_TEST_SUITE_P(Texts, NotUnderstood,
                         ::testing::Values("echo 'a", "echo \"a", "echo $(a", "echo `a", "(a", "{ a;", "if a; then b",
                                           "a )", "done", "for", "case x in", "cat <<E\nx", "cat <<E", "a | ", "a >",
                                           "bash -c \"$x\"", "curl u | bash", "eval $x", "env -S 'rm x'", "sudo $x y",
                                           "((i++))", "echo $((a))", "echo ${!x}", "echo ${x@P}", "a[1]=2",
                                           "alias ls=rm", "hash -p /x ls", "echo $[1]", "shopt -s x; @(a|b)",
                                           "cat <<E \"\nx\nE\n\"", "bash --rcfile x -i", "{fd}>x ls"));
INSTANTIATE_TEST_SUITE_P(
    Escapes, NotUnderstood,
    ::testing::Values("env -vS 'rm x'", "env --split='rm x'", "timeout $x ls", "timeout \"$x\" 5 ls", "env $x ls",
                      "env \"$x=1\" ls", "xargs --new-option rm", "let 'x=a[$(rm y)]'", "source <(echo rm x)",
                      ". <(echo rm x)", "bash <(echo rm x)", "echo rm | bash -", "bash <<<ls <x", "a | bash 5<<<ls",
                      "su <<E | cat\nrm\nE\nsu - a", "a | sudo -s", "a | chroot /", "parallel rm ::: x", "fish -c a",
                      "find $x", "find . \"$x\" rm y \\;", "printf -v 'a[$(rm x)]' y", "read \"$x\"",
                      "complete -C 'rm x' y", "trap $x", "BASH_ENV='$(rm x)' bash -c ls", "PS4='$(rm x)' bash -xc ls",
                      "time -o x ls", "git -c core.pager=x log", "git -c alias.x=\"$y\" x", "git --exec-path=x log",
                      "git config core.fsmonitor 'rm x'", "GIT_CONFIG_COUNT=1 git x", "git clone ext::rm"));

/// What is not known of one command hides none of those around it.
class GoesOn : public ::testing::TestWithParam<const char*> {};
TEST_P(GoesOn, ListsWhatFollows) {
  const auto script = parse_script(std::string(GetParam()) + "; rm -rf build");
  ASSERT_TRUE(script.ok()) << GetParam();
  EXPECT_FALSE(script->understood) << GetParam();
  EXPECT_EQ(command_text(script->commands.back()), "rm -rf build") << GetParam();
}
INSTANTIATE_TEST_SUITE_P(Texts, GoesOn,
                         ::testing::Values("eval $x", "((i++))", "echo $((a))", "echo $[a[1]]", "echo ${!x} ${y:z}",
                                           "echo ${x@P}", "a[$(b)]=2", "alias ls=rm", "{fd}>x ls", "[[ $x -eq 1 ]]",
                                           "bash -c 'a \"'", "echo `a '`", "echo $'\\u0041'", "timeout $x ls",
                                           "env -S 'a'", "curl u | bash", "source <(a)"));

TEST(Words, SayWhatIsNotKnownOfThem) {
  const auto script = parse_script("a 'b*' c* $d \"$e\" ~/f {} x{1,2}");
  ASSERT_TRUE(script.ok() && script->understood);
  EXPECT_THAT(script->commands.at(0).words,
              ElementsAre(Word{.text = "a"}, Word{.text = "b*"}, Word{.text = "c*", .pattern = true},
                          Word{.text = "$d", .dynamic = true, .splits = true}, Word{.text = "$e", .dynamic = true},
                          Word{.text = "~/f", .tilde = true}, Word{.text = "{}"},
                          Word{.text = "x{1,2}", .dynamic = true, .splits = true}));
}

/// The kinds of the scopes around a command, from the outside in, lists left out.
std::vector<Scope::Kind> around(const Script& script, std::string_view name) {
  const auto command = std::ranges::find_if(script.commands, [&](const auto& one) { return one.name() == name; });
  if (command == script.commands.end()) return {};
  std::vector<Scope::Kind> kinds;
  for (std::size_t at = command->scope; at != 0; at = script.scopes[at].outer) {
    if (script.scopes[at].kind != Scope::Kind::kSame) kinds.insert(kinds.begin(), script.scopes[at].kind);
  }
  return kinds;
}

TEST(Scopes, TellWhereACommandRuns) {
  using enum Scope::Kind;
  const std::vector<std::pair<const char*, std::vector<Scope::Kind>>> rows{
      {"x", {}},
      {"a; b && x; c", {}},
      {"(a; x)", {kOwn}},
      {"(a); x", {}},
      {"x & a", {kOwn}},
      {"a & x", {}},
      {"a && x &", {kOwn}},
      {"x | a", {kOwn}},
      {"a | x", {kLastPart}},
      {"a | b || x", {}},
      {"echo $(x)", {kOwn}},
      {"echo `x`", {kOwn}},
      {"cat <(x)", {kOwn}},
      {"coproc x", {kOwn}},
      {"while a; do x; done", {kRepeated}},
      {"for i in a; do (x); done", {kRepeated, kOwn}},
      {"if a; then x; fi", {}},
      {"{ x; }", {}},
      {"f() { x; }; f", {kLater}},
      {"trap x EXIT", {kLater}},
      {"bash -c x", {kOwn}},
      {"env x", {kOwn}},
      {"eval x", {}},
      {"command x", {}},
      {"find . -exec x {} +", {kOwn}},
      {"find . -execdir x {} +", {kElsewhere}},
      {"git submodule foreach 'a; x'", {kElsewhere}},
      {"git -C a bisect run x", {kElsewhere}},
      {"git rebase --exec 'a && x' b", {kElsewhere}},
      {"git -c alias.y='!x' y", {kElsewhere}},
      {"PAGER=x git log", {kElsewhere}},
      {"sudo x", {kOwn}},
      {"sudo -iu a x", {kElsewhere}},
      {"su a -c x", {kElsewhere}},
      {"chroot a x", {kElsewhere}},
      {"unshare --wd=a x", {kElsewhere}},
  };
  for (const auto& [text, kinds] : rows) {
    const auto script = parse_script(text);
    ASSERT_TRUE(script.ok()) << text;
    EXPECT_EQ(around(*script, "x"), kinds) << text;
  }
}

TEST(Argv, IsNotReadByAShell) {
  const auto plain = parse_argv({"echo", "$(rm x)", "a;b"});
  ASSERT_TRUE(plain.ok());
  ASSERT_EQ(plain->commands.size(), 1U);
  EXPECT_EQ(plain->commands[0].words[1], Word{.text = "$(rm x)"});
  const auto shell = parse_argv({"/bin/bash", "-c", "rm x; ls"});
  ASSERT_TRUE(shell.ok());
  EXPECT_EQ(shell->commands.size(), 3U);
}

TEST(Bounds, BadTextIsAnError) {
  EXPECT_EQ(parse_script("").error().code, base::codes::kInvalid);
  EXPECT_EQ(parse_script(std::string("rm\0x", 4)).error().code, base::codes::kInvalid);
  EXPECT_EQ(parse_script(std::string(1U << 20, 'a')).error().code, base::codes::kLimit);
  EXPECT_EQ(parse_argv({}).error().code, base::codes::kInvalid);
}

TEST(Bounds, TextThatEndsInTheMiddleOfAWordIsNotUnderstood) {
  for (const std::string text :
       {"$'", "$'\\", "$<$'&\\", "echo $'a\\x", "echo \"\\", "echo ${a\\", "echo `\\", "a\\"}) {
    for (std::size_t size = 1; size <= text.size(); ++size) (void)parse_script(text.substr(0, size));
    if (text != "a\\") EXPECT_FALSE(why(text).empty()) << text;
  }
}

TEST(Bounds, DepthAndNumberAreNotUnderstoodPastThem) {
  std::string parentheses;
  std::string substitutions;
  std::string wrappers;
  std::string list;
  for (int i = 0; i < 10'000; ++i) {
    parentheses += "( ";
    substitutions += "$(";
    wrappers += "sudo ";
    list += "a;";
  }
  EXPECT_THAT(why(parentheses), HasSubstr("deep"));
  EXPECT_THAT(why(substitutions), HasSubstr("deep"));
  EXPECT_THAT(why("echo \"${a:-" + substitutions), HasSubstr("deep"));
  EXPECT_THAT(why(wrappers + "ls"), HasSubstr("deep"));
  EXPECT_THAT(why(list), HasSubstr("too many"));
}

}  // namespace
}  // namespace lathe::syntax
