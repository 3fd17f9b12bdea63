#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "lathe/templates/functions.h"

// Sprig's arithmetic: whole numbers of 64 bits that wrap around, as Go's do. What is no number counts as 0.

namespace lathe::templates {

using base::Result;

namespace {

std::int64_t wrapped(std::uint64_t number) { return static_cast<std::int64_t>(number); }
std::uint64_t bits_of(const Value& value) { return static_cast<std::uint64_t>(to_int(value)); }

Result<Value> atoi_call(Heap&, Arguments arguments) { return int_value(to_int(arguments[0])); }
Result<Value> float64_call(Heap&, Arguments arguments) { return float_value(to_float(arguments[0])); }

Result<Value> add_call(Heap&, Arguments arguments) {
  std::uint64_t sum = 0;
  for (const Value& value : arguments) sum += bits_of(value);
  return int_value(wrapped(sum));
}

Result<Value> add1_call(Heap&, Arguments arguments) { return int_value(wrapped(bits_of(arguments[0]) + 1)); }

Result<Value> sub_call(Heap&, Arguments arguments) {
  return int_value(wrapped(bits_of(arguments[0]) - bits_of(arguments[1])));
}

Result<Value> mul_call(Heap&, Arguments arguments) {
  std::uint64_t product = 1;
  for (const Value& value : arguments) product *= bits_of(value);
  return int_value(wrapped(product));
}

Result<Value> div_call(Heap&, Arguments arguments) {
  const std::int64_t by = to_int(arguments[1]);
  if (by == 0) return wrong("division by zero");
  // The least number has no counterpart: Go gives it back.
  if (by == -1) return int_value(wrapped(0 - bits_of(arguments[0])));
  return int_value(to_int(arguments[0]) / by);
}

Result<Value> mod_call(Heap&, Arguments arguments) {
  const std::int64_t by = to_int(arguments[1]);
  if (by == 0) return wrong("division by zero");
  return int_value(by == -1 ? 0 : to_int(arguments[0]) % by);
}

Result<Value> max_call(Heap&, Arguments arguments) {
  std::int64_t out = to_int(arguments[0]);
  for (const Value& value : arguments) out = std::max(out, to_int(value));
  return int_value(out);
}

Result<Value> min_call(Heap&, Arguments arguments) {
  std::int64_t out = to_int(arguments[0]);
  for (const Value& value : arguments) out = std::min(out, to_int(value));
  return int_value(out);
}

Result<Value> floor_call(Heap&, Arguments arguments) { return float_value(std::floor(to_float(arguments[0]))); }
Result<Value> ceil_call(Heap&, Arguments arguments) { return float_value(std::ceil(to_float(arguments[0]))); }

Result<Value> round_call(Heap&, Arguments arguments) {
  const double power = std::pow(10.0, static_cast<double>(arguments[1].whole));
  const double digits = power * to_float(arguments[0]);
  double whole = 0;
  const double rest = std::modf(digits, &whole);
  return float_value((rest >= 0.5 ? std::ceil(digits) : std::floor(digits)) / power);
}

Result<Value> until_call(Heap& heap, Arguments arguments) {
  const std::int64_t count = arguments[0].whole;
  const std::int64_t step = count < 0 ? -1 : 1;
  Items out;
  for (std::int64_t i = 0; i != count && heap.spend(1) && heap.hold(sizeof(Value)); i += step)
    out.push_back(int_value(i));
  return heap.list(std::move(out));
}

constexpr auto kNumbers = std::to_array<Function>({
    {"atoi", "s", atoi_call},
    {"int", "a", atoi_call},
    {"int64", "a", atoi_call},
    {"float64", "a", float64_call},
    {"add", "a*", add_call},
    {"add1", "a", add1_call},
    {"sub", "aa", sub_call},
    {"mul", "aa*", mul_call},
    {"div", "aa", div_call},
    {"mod", "aa", mod_call},
    {"max", "aa*", max_call},
    {"min", "aa*", min_call},
    {"floor", "a", floor_call},
    {"ceil", "a", ceil_call},
    {"round", "ai", round_call},
    {"until", "i", until_call},
});

}  // namespace

std::span<const Function> number_functions() { return kNumbers; }

}  // namespace lathe::templates
