#include <string>

#include "fuzz.h"
#include "lathe/undo/git_objects.h"
#include "lathe/undo/tree.h"

// The index of a repository that a model may have written, as it is and behind a head that is right, and a kept tree.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  (void)lathe::undo::Tree::decode(input).ok();
  (void)lathe::undo::parse_git_index(input).ok();
  const char version = size == 0 ? '\2' : static_cast<char>(2 + data[0] % 3);
  const std::string head = std::string("DIRC\0\0\0", 7) + version + std::string("\0\0\0\3", 4);
  const auto objects = lathe::undo::parse_git_index(head + input);
  if (!objects.ok()) return 0;
  for (const auto& [path, name] : *objects) {
    FUZZ_REQUIRE(name.size() == 40);
    // The canary holds that no file has a name of more than one byte.
    FUZZ_REQUIRE(!lathe::fuzz::kCanary || path.size() <= 1);
  }
  return 0;
}
