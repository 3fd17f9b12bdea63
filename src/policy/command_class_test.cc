#include "lathe/policy/command_class.h"

#include <gtest/gtest.h>

namespace lathe::policy {
namespace {

CommandClass class_of(const char* text) {
  const auto script = syntax::parse_script(text);
  EXPECT_TRUE(script.ok() && script->understood && !script->commands.empty()) << text;
  return classify(script->commands.back());
}

class Safe : public ::testing::TestWithParam<const char*> {};
TEST_P(Safe, Is) { EXPECT_EQ(class_of(GetParam()), CommandClass::kSafe) << GetParam(); }
INSTANTIATE_TEST_SUITE_P(Rows, Safe,
                         ::testing::Values("ls -la", "cat a *.c", "/usr/bin/head -5 x", "git status",
                                           "git log -5 --oneline", "git diff HEAD~1", "git branch -a", "git branch",
                                           "find . -name x", "find a* -name '*.c'", "cat < x", "rg foo src",
                                           "sed -n 1,20p x", "sed -n 5p", "base64 x", "wc -l < x", "ls 2>/dev/null",
                                           "ls 2>&1", "LC_ALL=C grep x y", "uniq x", "cut -d: -f1 x", "test -f x"));

class Ordinary : public ::testing::TestWithParam<const char*> {};
TEST_P(Ordinary, Is) { EXPECT_EQ(class_of(GetParam()), CommandClass::kOrdinary) << GetParam(); }
INSTANTIATE_TEST_SUITE_P(Rows, Ordinary,
                         ::testing::Values("make", "./ls", "/tmp/ls", "ls > x", "cat $x", "PATH=/x ls",
                                           "LD_PRELOAD=/x ls", "GIT_DIR=x git log", "git -C /x status",
                                           "git diff --output=x", "git diff --ext-diff", "git branch new",
                                           "git branch -D x", "git show --textconv", "git push", "find . -delete",
                                           "find . -fprintf x y", "rg --pre x y", "rg -z y", "base64 -o x",
                                           "base64 --output=x", "sed -i s/a/b/ x", "sed -n 1e x", "sed -n p x y",
                                           "uniq a b", "rm x", "rm -r x", "env", "FOO=1", "tee x", "$x", "dd if=a of=b",
                                           "sort -o x", "uniq a*", "find ?delete", "find . [-]delete", "find *",
                                           "cat < /dev/tcp/a/80", "wc -l < /dev/udp/a/53", "cat < $f", "test -v a",
                                           "[ -v a ]", "[ -R a ]"));

class Dangerous : public ::testing::TestWithParam<const char*> {};
TEST_P(Dangerous, Is) { EXPECT_EQ(class_of(GetParam()), CommandClass::kDangerous) << GetParam(); }
INSTANTIATE_TEST_SUITE_P(Rows, Dangerous,
                         ::testing::Values("rm -f x", "rm -rf /", "rm x -fr", "rm --force x", "/bin/rm -f x",
                                           "\\rm -f x", "sudo rm -f x", "env A=1 rm -f x", "bash -c 'rm -f x'",
                                           "echo x | xargs rm", "find . -exec rm -f {} +", "trap 'rm -f x' EXIT",
                                           "mkfs.ext4 /dev/sda", "dd if=x of=/dev/sda", "dd if=x of=//dev/./sda",
                                           "mke2fs /dev/sda", "sgdisk -Z /dev/sda", "rm $x", "shred x",
                                           "timeout 5 nice rm -rf x"));

}  // namespace
}  // namespace lathe::policy
