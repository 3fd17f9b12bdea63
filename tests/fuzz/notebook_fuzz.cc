#include <string>

#include "fuzz.h"
#include "lathe/tools/fs/notebook.h"

// A file that is called a notebook: as it is, and as the cells of one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  (void)lathe::tools::fs::notebook_text(input);
  const auto text = lathe::tools::fs::notebook_text("{\"cells\":[" + input + "]}");
  if (!text) return 0;
  FUZZ_REQUIRE(text->empty() || (text->starts_with("[cell 1: ") && text->ends_with('\n')));
  // The canary holds that no notebook has a second cell.
  FUZZ_REQUIRE(!lathe::fuzz::kCanary || text->find("[cell 2: ") == std::string::npos);
  return 0;
}
