#include "lathe/base/ids.h"

#include <sys/random.h>

#include <cstddef>

#include "lathe/base/check.h"

namespace lathe::base {

std::uint64_t SystemRandom::next() {
  if (left_ == 0) {
    CHECK(getrandom(buffer_, sizeof buffer_, 0) == static_cast<ssize_t>(sizeof buffer_));
    left_ = sizeof buffer_ / sizeof buffer_[0];
  }
  return buffer_[--left_];
}

std::uint64_t SeededRandom::next() {
  state_ += 0x9e3779b97f4a7c15U;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

std::string uuid7(UnixMillis now, Random& random) {
  const auto millis = static_cast<std::uint64_t>(now);
  const std::uint64_t high = (millis << 16) | 0x7000U | (random.next() & 0x0fffU);
  const std::uint64_t low = 0x8000000000000000U | (random.next() & 0x3fffffffffffffffU);
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out += '-';
    const std::uint64_t half = i < 16 ? high : low;
    out += kDigits[(half >> (60 - 4 * (i % 16))) & 15];
  }
  return out;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

UnixMillis time_of_uuid7(std::string_view id) {
  CHECK(is_uuid(id));
  UnixMillis millis = 0;
  for (const char c : id.substr(0, 13)) {
    if (c != '-') millis = millis * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return millis;
}

namespace {

void append_letters(std::string& out, std::uint64_t bits) {
  constexpr std::string_view kLetters = "0123456789abcdefghijklmnopqrstuv";
  for (int i = 0; i < 8; ++i, bits >>= 5) out += kLetters[bits & 31];
}

}  // namespace

std::string short_id(std::string_view prefix, Random& random) {
  std::string out(prefix);
  out += '_';
  append_letters(out, random.next());
  append_letters(out, random.next());
  return out;
}

std::string item_id(std::string_view prefix, Random& random) {
  std::string out(prefix);
  append_letters(out, random.next());
  return out;
}

}  // namespace lathe::base
