#include <algorithm>
#include <string>
#include <utility>

#include "lathe/templates/functions.h"

// Sprig's functions of maps. As there, `set`, `unset` and `merge` change a map that the template made; one that comes
// from the values is copied first, as those never change. What would lie in itself is an error.

namespace lathe::templates {

using base::Result;

namespace {

Members copy_of(const Value& map) {
  Members out;
  for (const auto& [name, value] : members_of(map)) out.emplace(name, value);
  return out;
}

/// The map itself, or a copy that may be changed.
Value changeable(Heap& heap, const Value& map) {
  if (map.members != nullptr) return map;
  if (!heap.spend(size_of(map))) return heap.map({});
  return heap.map(copy_of(map));
}

bool reaches(Heap& heap, const Value& from, const Value& map, int depth) {
  if (depth == 0) heap.too_deep();
  if (!heap.spend(1)) return false;
  if (from.members != nullptr && from.members == map.members) return true;
  if (from.items != nullptr) {
    return std::ranges::any_of(*from.items, [&](const Value& item) { return reaches(heap, item, map, depth - 1); });
  }
  if (from.members == nullptr) return false;
  return std::ranges::any_of(*from.members,
                             [&](const auto& member) { return reaches(heap, member.second, map, depth - 1); });
}

Result<void> put(Heap& heap, const Value& map, std::string_view name, const Value& value) {
  if (reaches(heap, value, map, kMaxValueDepth)) return wrong("a map cannot hold itself");
  if (!heap.hold(name.size() + sizeof(Members::value_type))) return {};
  map.members->insert_or_assign(std::string(name), value);
  return {};
}

Result<Value> dict_call(Heap& heap, Arguments arguments) {
  Members out;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    out.insert_or_assign(text_of(heap, arguments[i]), i + 1 < arguments.size() ? arguments[i + 1] : text_value(""));
  }
  return heap.map(std::move(out));
}

Result<Value> get_call(Heap&, Arguments arguments) {
  return member_of(arguments[0], arguments[1].text).value_or(text_value(""));
}

Result<Value> set_call(Heap& heap, Arguments arguments) {
  const Value map = changeable(heap, arguments[0]);
  TRY_OK(put(heap, map, arguments[1].text, arguments[2]));
  return map;
}

Result<Value> unset_call(Heap& heap, Arguments arguments) {
  const Value map = changeable(heap, arguments[0]);
  const auto found = map.members->find(arguments[1].text);
  if (found != map.members->end()) heap.keep(map.members->extract(found));
  return map;
}

Result<Value> has_key_call(Heap&, Arguments arguments) {
  return bool_value(member_of(arguments[0], arguments[1].text).has_value());
}

Result<Value> keys_call(Heap& heap, Arguments arguments) {
  Items out;
  for (const Value& map : arguments) {
    if (!heap.spend(size_of(map))) return Value{};
    for (const auto& [name, value] : members_of(map)) out.push_back(text_value(name));
  }
  return heap.list(std::move(out));
}

Result<Value> values_call(Heap& heap, Arguments arguments) {
  Items out;
  if (!heap.spend(size_of(arguments[0]))) return Value{};
  for (const auto& [name, value] : members_of(arguments[0])) out.push_back(value);
  return heap.list(std::move(out));
}

Result<Value> pick_call(Heap& heap, Arguments arguments) {
  Members out;
  for (const Value& name : arguments.subspan(1)) {
    if (const auto value = member_of(arguments[0], name.text)) out.insert_or_assign(std::string(name.text), *value);
  }
  return heap.map(std::move(out));
}

Result<Value> omit_call(Heap& heap, Arguments arguments) {
  if (!heap.spend(size_of(arguments[0]))) return Value{};
  Members out = copy_of(arguments[0]);
  for (const Value& name : arguments.subspan(1)) {
    const auto found = out.find(name.text);
    if (found != out.end()) out.erase(found);
  }
  return heap.map(std::move(out));
}

Result<void> merge_into(Heap& heap, const Value& into, const Value& from, int depth) {
  if (depth == 0) heap.too_deep();
  if (!heap.spend(1 + size_of(from))) return {};
  for (const auto& [name, value] : members_of(from)) {
    const std::optional<Value> mine = member_of(into, name);
    if (!mine || !truth(*mine)) {
      TRY_OK(put(heap, into, name, value));
      continue;
    }
    if (mine->kind != Kind::kMap || value.kind != Kind::kMap) continue;
    const Value inner = changeable(heap, *mine);
    TRY_OK(merge_into(heap, inner, value, depth - 1));
    if (inner.members != mine->members) TRY_OK(put(heap, into, name, inner));
  }
  return {};
}

Result<Value> merge_call(Heap& heap, Arguments arguments) {
  const Value into = changeable(heap, arguments[0]);
  for (const Value& from : arguments.subspan(1)) {
    TRY_OK(merge_into(heap, into, from, kMaxValueDepth));
  }
  return into;
}

/// dig "a" "b" otherwise map: what lies there, or else the other value.
Result<Value> dig_call(Heap&, Arguments arguments) {
  if (arguments.size() < 3) return wrong("takes names, what is there otherwise, and a map");
  Value value = arguments.back();
  if (value.kind != Kind::kMap) return wrong("the last argument must be a map");
  for (const Value& name : arguments.first(arguments.size() - 2)) {
    if (name.kind != Kind::kText) return wrong("the names of what is looked for must be text");
    const std::optional<Value> member = value.kind == Kind::kMap ? member_of(value, name.text) : std::optional<Value>();
    if (!member) return arguments[arguments.size() - 2];
    value = *member;
  }
  return value;
}

constexpr auto kMaps = std::to_array<Function>({
    {"dict", "a*", dict_call},
    {"get", "ms", get_call},
    {"set", "msa", set_call},
    {"unset", "ms", unset_call},
    {"hasKey", "ms", has_key_call},
    {"keys", "m*", keys_call},
    {"values", "m", values_call},
    {"pick", "ms*", pick_call},
    {"omit", "ms*", omit_call},
    {"merge", "mm*", merge_call},
    {"dig", "aaaa*", dig_call},
});

}  // namespace

std::span<const Function> map_functions() { return kMaps; }

}  // namespace lathe::templates
