#include <string>

#include "fuzz.h"
#include "lathe/tools/patch/patch_plan.h"

using lathe::tools::patch::apply_chunks;
using lathe::tools::patch::parse_patch;
using lathe::tools::patch::UpdateFile;

namespace {

constexpr std::string_view kFile = "one\n  two\r\n\nthree\nlast";

void apply(std::string_view patch) {
  const auto hunks = parse_patch(patch);
  if (!hunks.ok()) return;
  for (const auto& hunk : *hunks) {
    const auto* update = std::get_if<UpdateFile>(&hunk);
    if (update == nullptr || update->chunks.empty()) continue;
    const auto changed = apply_chunks(update->path, kFile, update->chunks);
    if (!changed.ok()) continue;
    FUZZ_REQUIRE(changed->empty() || changed->ends_with('\n'));
    // The canary holds that a patch never makes the file longer than it was.
    FUZZ_REQUIRE(!lathe::fuzz::kCanary || changed->size() <= kFile.size() + 1);
  }
}

}  // namespace

// Whatever a model sends as a patch: whole, and as the body of an update, where the parser has most to decide.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  apply(input);
  apply("*** Begin Patch\n*** Update File: f\n" + input + "\n*** End Patch\n");
  return 0;
}
