#include "lathe/keeper/program/groups.h"

#include <grp.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace lathe::keeper {
namespace {

constexpr int kFailed = 127;

std::vector<gid_t> numbers_of(const char* words) {
  std::vector<gid_t> numbers;
  while (*words != '\0') {
    char* end = nullptr;
    numbers.push_back(static_cast<gid_t>(std::strtoul(words, &end, 10)));
    if (end == words) break;
    words = *end == ',' ? end + 1 : end;
  }
  return numbers;
}

}  // namespace

int run_with_groups(char** words) {
  const auto primary = static_cast<gid_t>(std::strtoul(words[0], nullptr, 10));
  const std::vector<gid_t> others = numbers_of(words[1]);
  if (setgroups(others.size(), others.data()) != 0 || setresgid(primary, primary, primary) != 0) {
    std::fprintf(stderr, "lathe-keeper: the groups of the client cannot be taken: %s\n", std::strerror(errno));
    return kFailed;
  }
  execvp(words[2], words + 2);
  std::fprintf(stderr, "lathe-keeper: %s: %s\n", words[2], std::strerror(errno));
  return kFailed;
}

}  // namespace lathe::keeper
