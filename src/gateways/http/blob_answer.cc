#include "lathe/gateways/http/blob_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <variant>

#include "lathe/base/strings.h"
#include "lathe/gateways/http/error_status.h"

namespace lathe::gateways::http {

using net::IncomingRequest;
using net::OutgoingResponse;

namespace {

constexpr std::string_view kUnit = "bytes=";

/// Whether one of the tags of a header is this one.
bool names_tag(std::string_view header, std::string_view tag) {
  for (const std::string_view one : base::split(header, ',')) {
    std::string_view known = base::trim(one);
    if (known.starts_with("W/")) known.remove_prefix(2);
    if (known == tag || known == "*") return true;
  }
  return false;
}

std::optional<std::size_t> number_in(std::string_view digits) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

struct Whole {};
struct NoSuchPart {};
struct Part {
  std::size_t first = 0;
  std::size_t count = 0;
};

/// "bytes=3-7", "bytes=3-", "bytes=-5".
std::variant<Whole, NoSuchPart, Part> part_of(std::string_view range, std::size_t size) {
  if (!range.starts_with(kUnit)) return Whole();
  const std::string_view spec = base::trim(range.substr(kUnit.size()));
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return Whole();
  const auto first = number_in(spec.substr(0, dash));
  const auto last = number_in(spec.substr(dash + 1));
  if (dash == 0) {
    if (!last) return Whole();
    const std::size_t count = std::min(*last, size);
    if (count == 0) return NoSuchPart();
    return Part{.first = size - count, .count = count};
  }
  const bool open = dash + 1 == spec.size();
  if (!first || (!open && (!last || *last < *first))) return Whole();
  if (*first >= size) return NoSuchPart();
  const std::size_t rest = size - *first;
  return Part{.first = *first, .count = open ? rest : std::min(rest, *last - *first + 1)};
}

}  // namespace

OutgoingResponse blob_answer(const IncomingRequest& request, const std::string& hash, std::string bytes) {
  const std::string tag = fmt::format("\"{}\"", hash);
  const net::HttpFields always{{"etag", tag},
                               {"accept-ranges", "bytes"},
                               {"cache-control", "private, max-age=31536000, immutable"},
                               {"x-content-type-options", "nosniff"},
                               {"content-disposition", "attachment"}};
  if (names_tag(request.header("if-none-match"), tag)) {
    return {.status = 304, .content_type = "", .headers = always};
  }
  const std::string_view same = request.header("if-range");
  const bool in_part = request.method == "GET" && (same.empty() || same == tag);
  const auto part = in_part ? part_of(request.header("range"), bytes.size()) : Whole();
  OutgoingResponse answer{.content_type = "application/octet-stream", .headers = always};
  if (std::holds_alternative<NoSuchPart>(part)) {
    OutgoingResponse refused = error_response({.code = base::codes::kInvalid,
                                               .message = fmt::format("the blob has {} bytes", bytes.size()),
                                               .hint = "Range: bytes=FIRST-LAST, counted from 0"});
    refused.status = 416;
    refused.headers.emplace_back("content-range", fmt::format("bytes */{}", bytes.size()));
    return refused;
  }
  if (const auto* some = std::get_if<Part>(&part)) {
    answer.status = 206;
    answer.headers.emplace_back(
        "content-range", fmt::format("bytes {}-{}/{}", some->first, some->first + some->count - 1, bytes.size()));
    answer.body = bytes.substr(some->first, some->count);
    return answer;
  }
  answer.body = std::move(bytes);
  return answer;
}

}  // namespace lathe::gateways::http
