#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "lathe/chain/bound.h"

// Sums of bounds: what has no number wins every sum, but nothing is spent by what happens no time. A number that would
// become too large is none.

namespace lathe::chain {

[[nodiscard]] inline Most exactly(std::int64_t count) { return {.most = count, .why = ""}; }
[[nodiscard]] inline Most without_end(std::string why) { return {.most = std::nullopt, .why = std::move(why)}; }
[[nodiscard]] inline bool never(const Most& amount) { return amount.finite() && *amount.most == 0; }

[[nodiscard]] inline Most plus(const Most& a, const Most& b) {
  std::int64_t sum = 0;
  if (!a.finite()) return a;
  if (!b.finite()) return b;
  if (__builtin_add_overflow(*a.most, *b.most, &sum)) return without_end("the numbers are too large");
  return {.most = sum, .why = a.why.empty() ? b.why : a.why};
}

[[nodiscard]] inline Most times(const Most& a, const Most& b) {
  std::int64_t product = 0;
  if (never(a) || never(b)) return exactly(0);
  if (!a.finite()) return a;
  if (!b.finite()) return b;
  if (__builtin_mul_overflow(*a.most, *b.most, &product)) return without_end("the numbers are too large");
  return exactly(product);
}

/// At most `cap`, where one is given.
[[nodiscard]] inline Most capped(const Most& amount, bool has_cap, std::int64_t cap, const std::string& why) {
  if (!has_cap || (amount.finite() && *amount.most <= cap)) return amount;
  return {.most = cap, .why = why};
}

}  // namespace lathe::chain
