#include "lathe/providers/common/call_ids.h"

#include <algorithm>
#include <cstdint>

namespace lathe::providers::common {
namespace {

constexpr std::string_view kLettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::size_t kNineLength = 9;
constexpr std::size_t kPlainLimit = 64;
/// Enough digits of base 62 for 64 bits.
constexpr std::size_t kHashLength = 11;

bool is_letter_or_digit(char c) { return kLettersAndDigits.find(c) != std::string_view::npos; }

/// FNV-1a, then the finisher of splitmix64 so that all bits depend on all bytes.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  hash ^= hash >> 30;
  hash *= 0xbf58476d1ce4e5b9ULL;
  hash ^= hash >> 27;
  hash *= 0x94d049bb133111ebULL;
  return hash ^ (hash >> 31);
}

std::string hash_name(std::string_view text, std::size_t length) {
  std::uint64_t left = hash_of(text);
  std::string name;
  for (std::size_t i = 0; i < length; ++i) {
    name += kLettersAndDigits[left % kLettersAndDigits.size()];
    left /= kLettersAndDigits.size();
  }
  return name;
}

}  // namespace

std::string call_id_for(CallIdStyle style, std::string_view call_id) {
  switch (style) {
    case CallIdStyle::kNine:
      if (call_id.size() == kNineLength && std::ranges::all_of(call_id, is_letter_or_digit))
        return std::string(call_id);
      return hash_name(call_id, kNineLength);
    case CallIdStyle::kPlain: {
      const auto plain = [](char c) { return is_letter_or_digit(c) || c == '_' || c == '-'; };
      if (!call_id.empty() && call_id.size() <= kPlainLimit && std::ranges::all_of(call_id, plain)) {
        return std::string(call_id);
      }
      return "call_" + hash_name(call_id, kHashLength);
    }
  }
  return std::string(call_id);
}

}  // namespace lathe::providers::common
