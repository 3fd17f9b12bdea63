#include "lathe/templates/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace lathe::templates {
namespace {

constexpr std::size_t kMaxSteps = 4'000'000;
/// What a rendering holds beside its own text: so many texts of the greatest length.
constexpr std::size_t kHeldTexts = 4;
constexpr std::size_t kLeastHeld = 1U << 20;

bool same_at(Heap& heap, const Value& a, const Value& b, int depth);

bool same_members(Heap& heap, const Value& a, const Value& b, int depth) {
  const auto ours = members_of(a);
  const auto theirs = members_of(b);
  return std::ranges::equal(ours, theirs, [&](const auto& one, const auto& other) {
    return one.first == other.first && same_at(heap, one.second, other.second, depth);
  });
}

bool same_at(Heap& heap, const Value& a, const Value& b, int depth) {
  if (depth == 0) heap.too_deep();
  if (heap.exhausted() || !heap.spend(1)) return false;
  const auto number = [](const Value& value) { return value.kind == Kind::kInt || value.kind == Kind::kFloat; };
  if (number(a) && number(b) && a.kind != b.kind) {
    const double left = a.kind == Kind::kInt ? static_cast<double>(a.whole) : a.real;
    return left == (b.kind == Kind::kInt ? static_cast<double>(b.whole) : b.real);
  }
  if (a.absent() || b.absent()) return a.absent() && b.absent();
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::kMissing:
    case Kind::kNil:
      return true;
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kTime:
      return a.whole == b.whole;
    case Kind::kFloat:
      return a.real == b.real;
    case Kind::kText:
      return a.text == b.text;
    case Kind::kMap:
      return size_of(a) == size_of(b) && same_members(heap, a, b, depth - 1);
    case Kind::kList:
      break;
  }
  if (size_of(a) != size_of(b)) return false;
  for (std::size_t i = 0; i < size_of(a); ++i) {
    if (!same_at(heap, item_of(a, i), item_of(b, i), depth - 1)) return false;
  }
  return true;
}

}  // namespace

Value bool_value(bool flag) { return {.kind = Kind::kBool, .whole = flag ? 1 : 0}; }
Value int_value(std::int64_t number) { return {.kind = Kind::kInt, .whole = number}; }
Value float_value(double number) { return {.kind = Kind::kFloat, .real = number}; }
Value text_value(std::string_view text) { return {.kind = Kind::kText, .text = text}; }
Value time_value(std::int64_t seconds) { return {.kind = Kind::kTime, .whole = seconds}; }
Value missing_value(std::string_view name) { return {.kind = Kind::kMissing, .text = name}; }

Value json_value(const base::Json& json) {
  switch (json.type()) {
    case base::Json::value_t::boolean:
      return bool_value(json.get<bool>());
    case base::Json::value_t::number_integer:
      return int_value(json.get<std::int64_t>());
    case base::Json::value_t::number_unsigned: {
      const auto number = json.get<std::uint64_t>();
      if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return float_value(static_cast<double>(number));
      }
      return int_value(static_cast<std::int64_t>(number));
    }
    case base::Json::value_t::number_float:
      return float_value(json.get<double>());
    case base::Json::value_t::string:
      return text_value(json.get_ref<const std::string&>());
    case base::Json::value_t::array:
      return {.kind = Kind::kList, .json = &json};
    case base::Json::value_t::object:
      return {.kind = Kind::kMap, .json = &json};
    case base::Json::value_t::null:
    case base::Json::value_t::binary:
    case base::Json::value_t::discarded:
      break;
  }
  return {};
}

Value Heap::text(std::string text) {
  if (!fits(text.size()) || !hold(text.size() + sizeof(std::string))) return text_value("");
  return text_value(texts_.emplace_back(std::move(text)));
}

Value Heap::list(Items items) {
  if (!hold(items.size() * sizeof(Value))) items.clear();
  return {.kind = Kind::kList, .items = &lists_.emplace_back(std::move(items))};
}

Value Heap::map(Members members) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : members) bytes += name.size() + sizeof(Members::value_type);
  if (!hold(bytes)) members.clear();
  return {.kind = Kind::kMap, .members = &maps_.emplace_back(std::move(members))};
}

Value Heap::tree(base::Json json) { return json_value(trees_.emplace_back(std::move(json))); }

bool Heap::spend(std::size_t steps) {
  steps_ += std::min(steps, kMaxSteps + 1);
  if (steps_ > kMaxSteps && why_.empty()) why_ = fmt::format("the template does more than {} steps", kMaxSteps);
  return why_.empty();
}

bool Heap::fits(std::size_t bytes) {
  if (bytes > max_bytes_ && why_.empty()) why_ = fmt::format("a text becomes longer than {} bytes", max_bytes_);
  return why_.empty();
}

bool Heap::hold(std::size_t bytes) {
  const std::size_t limit = kHeldTexts * max_bytes_ + kLeastHeld;
  held_ += std::min(bytes, limit + 1);
  if (held_ > limit && why_.empty()) why_ = fmt::format("the template holds more than {} bytes of values", limit);
  return why_.empty();
}

void Heap::too_deep() {
  if (why_.empty()) why_ = fmt::format("a value is nested deeper than {}", kMaxValueDepth);
}

base::Error Heap::error() const { return {.code = base::codes::kLimit, .message = why_}; }

std::size_t size_of(const Value& value) {
  if (value.items != nullptr) return value.items->size();
  if (value.members != nullptr) return value.members->size();
  return value.json != nullptr ? value.json->size() : 0;
}

Value item_of(const Value& list, std::size_t index) {
  return list.items != nullptr ? (*list.items)[index] : json_value((*list.json)[index]);
}

std::optional<Value> member_of(const Value& map, std::string_view name) {
  if (map.members != nullptr) {
    const auto found = map.members->find(name);
    return found == map.members->end() ? std::nullopt : std::optional(found->second);
  }
  const auto found = map.json->find(name);
  return found == map.json->end() ? std::nullopt : std::optional(json_value(*found));
}

std::vector<std::pair<std::string_view, Value>> members_of(const Value& map) {
  std::vector<std::pair<std::string_view, Value>> out;
  out.reserve(size_of(map));
  if (map.members != nullptr) {
    for (const auto& [name, value] : *map.members) out.emplace_back(name, value);
    return out;
  }
  for (auto member = map.json->begin(); member != map.json->end(); ++member) {
    out.emplace_back(member.key(), json_value(member.value()));
  }
  std::ranges::sort(out, {}, [](const auto& member) { return member.first; });
  return out;
}

Items items_of(const Value& list) {
  if (list.items != nullptr) return *list.items;
  Items out;
  out.reserve(size_of(list));
  for (std::size_t i = 0; i < size_of(list); ++i) out.push_back(item_of(list, i));
  return out;
}

bool truth(const Value& value) {
  switch (value.kind) {
    case Kind::kMissing:
    case Kind::kNil:
      return false;
    case Kind::kBool:
    case Kind::kInt:
      return value.whole != 0;
    case Kind::kFloat:
      return value.real != 0;
    case Kind::kText:
      return !value.text.empty();
    case Kind::kTime:
      return true;
    case Kind::kList:
    case Kind::kMap:
      break;
  }
  return size_of(value) > 0;
}

bool same(Heap& heap, const Value& a, const Value& b) { return same_at(heap, a, b, kMaxValueDepth); }

std::string_view kind_name(const Value& value) {
  static constexpr std::array<std::string_view, 9> kNames = {
      "nothing", "nil", "true or false", "a whole number", "a number", "text", "a time", "a list", "a map"};
  return kNames[static_cast<std::size_t>(value.kind)];
}

}  // namespace lathe::templates
