#include <string>

#include "fuzz.h"
#include "lathe/base/utf8.h"
#include "lathe/tools/web/html_text.h"
#include "lathe/tools/web/url.h"

namespace {

using lathe::tools::web::PagePart;
using lathe::tools::web::Url;

constexpr std::size_t kMaxTextBytes = 600;

const Url& base_url() {
  static const Url kUrl = *lathe::tools::web::parse_url("https://example.com/a/b");
  return kUrl;
}

/// A URL that was taken is in its one form: taken again, it is the same.
std::string check_url(std::string_view reference) {
  const auto url = lathe::tools::web::resolve(base_url(), reference);
  if (!url.ok()) return {};
  std::string text = url->text();
  // The form may have grown past what is taken.
  if (text.size() > lathe::tools::web::kMaxUrlBytes) return {};
  for (const char c : text) FUZZ_REQUIRE(c > 0x20 && c < 0x7f);
  const auto again = lathe::tools::web::parse_url(text);
  FUZZ_REQUIRE(again.ok() && *again == *url);
  return text;
}

void check_page(std::string_view page, PagePart part) {
  const auto read =
      lathe::tools::web::readable_text(page, {.part = part, .max_bytes = kMaxTextBytes, .resolve_link = &check_url});
  std::string text = read.text;
  // The canary cuts without looking where characters end.
  if (lathe::fuzz::kCanary) text = text.substr(0, kMaxTextBytes / 100);
  FUZZ_REQUIRE(lathe::base::is_utf8(text) && lathe::base::is_utf8(lathe::base::to_utf8(read.title)));
  // A byte that is no character becomes three.
  FUZZ_REQUIRE(read.text.size() <= 3 * kMaxTextBytes);
}

}  // namespace

// The first byte picks the reader: links, or pages.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  switch (input.front() % 3) {
    case 0:
      (void)check_url(input.substr(1));
      break;
    case 1:
      check_page(input.substr(1), PagePart::kWhole);
      break;
    case 2:
      check_page(input.substr(1), PagePart::kMain);
      break;
  }
  return 0;
}
