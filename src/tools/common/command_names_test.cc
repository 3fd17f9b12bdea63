#include "lathe/tools/common/command_names.h"

#include <gtest/gtest.h>

#include "lathe/base/strings.h"

namespace lathe::tools::common {
namespace {

/// The started programs, or "refused".
std::string started(std::string_view script) {
  const auto names = command_names(script);
  return names.ok() ? base::join(names->started, " ") : "refused";
}

TEST(CommandNames, FollowsListsPipesGroupsAndConditions) {
  EXPECT_EQ(started("git status"), "git");
  EXPECT_EQ(started("cd src && make -j2 | tee log; wait & ls"), "make tee wait ls");
  EXPECT_EQ(started("(cd a; ls) || { rm x; }"), "ls rm");
  EXPECT_EQ(started("if grep -q x f; then echo y; else printf n; fi"), "grep echo printf");
  EXPECT_EQ(started("while read l\ndo sort\ndone < in > out 2>&1"), "read sort");
  EXPECT_EQ(started("! time ls"), "ls");
  EXPECT_EQ(started("A=1 B='x y' make all # rm -rf /"), "make");
  EXPECT_EQ(started("ls &> log"), "ls");
  EXPECT_EQ(started("2>/dev/null ls"), "ls");
  EXPECT_EQ(started("git \\\n commit -m 'a; rm b' && echo \"x | y\""), "git echo");
  EXPECT_EQ(started(""), "");
}

TEST(CommandNames, AQuotedOrEscapedNameIsItsText) {
  EXPECT_EQ(started("'r'm x"), "rm");
  EXPECT_EQ(started("r\\m x"), "rm");
  EXPECT_EQ(started("\"rm\" x"), "rm");
  EXPECT_EQ(started("/bin/rm x"), "/bin/rm");
}

TEST(CommandNames, RefusesWhatTheTextDoesNotTell) {
  for (const std::string_view script : {"echo $(rm x)",
                                        "echo `rm x`",
                                        "echo \"$(rm x)\"",
                                        "cat <(rm x)",
                                        "cat <<E\nx\nE",
                                        "cat <<-E\nx\nE",
                                        "$CMD x",
                                        "r?m x",
                                        "{rm,x}",
                                        "~/bin/x",
                                        "f() { rm x; }; f",
                                        "function f { rm; }",
                                        "for i in a; do $i; done",
                                        "case x in x) rm;; esac",
                                        "[[ -n x ]] && rm",
                                        "((x))",
                                        "PATH=. git status",
                                        "LD_PRELOAD=x git",
                                        "echo ${x:-$(rm)}",
                                        "echo $'\\x41'",
                                        "'rm",
                                        "\"rm",
                                        "ls >"}) {
    EXPECT_EQ(started(script), "refused") << script;
  }
  EXPECT_EQ(started("echo $HOME ${USER} *.c"), "echo") << "an argument may vary";
}

}  // namespace
}  // namespace lathe::tools::common
