#include "fuzz.h"
#include "lathe/base/utf8.h"
#include "lathe/tools/shell/refusal.h"

// Whatever a command writes, in pieces, is looked through for signs of a refusal.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  lathe::tools::shell::RefusalScan scan;
  lathe::fuzz::cut_into_pieces(input, [&](std::string_view piece) { scan.add(piece); });
  const std::string found = scan.refused(1);
  FUZZ_REQUIRE(found.size() <= 300 && found.find('\n') == std::string::npos);
  FUZZ_REQUIRE(found.empty() || size > 10);
  // The canary holds that there are no empty lines.
  FUZZ_REQUIRE(!lathe::fuzz::kCanary || input.find("\n\n") == std::string_view::npos);
  return 0;
}
