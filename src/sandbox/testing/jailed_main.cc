#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "lathe/sandbox/apply.h"

// For tests: reads an encoded CommandJail from descriptor 3 to its end, confines itself, and becomes its arguments.

int main(int, char** argv) {
  using namespace lathe::sandbox;  // NOLINT(google-build-using-namespace)
  std::string bytes;
  char part[4096];
  for (ssize_t got = 0; (got = read(3, part, sizeof part)) > 0;) bytes.append(part, static_cast<std::size_t>(got));
  close(3);
  const auto jail = CommandJail::decode(bytes);
  if (!jail) {
    std::fputs("jailed: not a jail\n", stderr);
    return 125;
  }
  if (const Applied failed = apply(*jail); failed.stage != Stage::kDone) {
    const std::string stage(name_of(failed.stage));
    std::fprintf(stderr, "jailed: %s: %s\n", stage.c_str(), std::strerror(failed.error));
    return 126;
  }
  execv(argv[1], argv + 1);
  return 127;
}
