#include <chrono>
#include <string>

#include "fuzz.h"
#include "lathe/net/retry_after.h"

// A wait is never negative and never longer than a day, whatever the header says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr lathe::base::UnixMillis kNow = 1'795'000'000'000;
  const std::string value(reinterpret_cast<const char*>(data), size);
  for (const char* name : {"retry-after", "retry-after-ms"}) {
    const lathe::net::ResponseHead head{.status = 429, .headers = {{name, value}}};
    const auto wait = lathe::net::retry_after(head, kNow);
    if (!wait) continue;
    FUZZ_REQUIRE(*wait >= std::chrono::milliseconds(0) && *wait <= std::chrono::hours(24));
    // The canary holds that nobody asks for more than three hours.
    FUZZ_REQUIRE(!lathe::fuzz::kCanary || *wait <= std::chrono::hours(3));
  }
  return 0;
}
