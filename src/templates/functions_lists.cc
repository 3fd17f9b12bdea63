#include <algorithm>
#include <string>

#include "lathe/templates/functions.h"

// Sprig's functions of lists. A list never changes: each of them makes another one.

namespace lathe::templates {

using base::Result;

namespace {

/// Counts the work of going through a list, and what a copy of it holds.
bool may_copy(Heap& heap, const Value& list) {
  return heap.spend(size_of(list)) && heap.hold(size_of(list) * sizeof(Value));
}

Result<Value> list_call(Heap& heap, Arguments arguments) { return heap.list({arguments.begin(), arguments.end()}); }

Result<Value> first_call(Heap&, Arguments arguments) {
  return size_of(arguments[0]) == 0 ? Value{} : item_of(arguments[0], 0);
}

Result<Value> last_call(Heap&, Arguments arguments) {
  const std::size_t size = size_of(arguments[0]);
  return size == 0 ? Value{} : item_of(arguments[0], size - 1);
}

Result<Value> rest_call(Heap& heap, Arguments arguments) {
  if (!may_copy(heap, arguments[0])) return Value{};
  Items items = items_of(arguments[0]);
  if (items.empty()) return Value{};
  items.erase(items.begin());
  return heap.list(std::move(items));
}

Result<Value> initial_call(Heap& heap, Arguments arguments) {
  if (!may_copy(heap, arguments[0])) return Value{};
  Items items = items_of(arguments[0]);
  if (items.empty()) return Value{};
  items.pop_back();
  return heap.list(std::move(items));
}

Result<Value> append_call(Heap& heap, Arguments arguments) {
  if (!may_copy(heap, arguments[0])) return Value{};
  Items items = items_of(arguments[0]);
  items.push_back(arguments[1]);
  return heap.list(std::move(items));
}

Result<Value> prepend_call(Heap& heap, Arguments arguments) {
  if (!may_copy(heap, arguments[0])) return Value{};
  Items items = items_of(arguments[0]);
  items.insert(items.begin(), arguments[1]);
  return heap.list(std::move(items));
}

Result<Value> concat_call(Heap& heap, Arguments arguments) {
  Items items;
  for (const Value& list : arguments) {
    if (!may_copy(heap, list)) return Value{};
    const Items more = items_of(list);
    items.insert(items.end(), more.begin(), more.end());
  }
  return heap.list(std::move(items));
}

bool holds(Heap& heap, const Items& items, const Value& wanted) {
  return std::ranges::any_of(items, [&](const Value& item) { return same(heap, item, wanted); });
}

Result<Value> uniq_call(Heap& heap, Arguments arguments) {
  Items out;
  for (std::size_t i = 0; i < size_of(arguments[0]) && !heap.exhausted(); ++i) {
    const Value item = item_of(arguments[0], i);
    if (!holds(heap, out, item)) out.push_back(item);
  }
  return heap.list(std::move(out));
}

Result<Value> without_call(Heap& heap, Arguments arguments) {
  const Items unwanted(arguments.begin() + 1, arguments.end());
  Items out;
  for (std::size_t i = 0; i < size_of(arguments[0]) && heap.spend(1); ++i) {
    const Value item = item_of(arguments[0], i);
    if (!holds(heap, unwanted, item)) out.push_back(item);
  }
  return heap.list(std::move(out));
}

Result<Value> compact_call(Heap& heap, Arguments arguments) {
  Items out;
  for (std::size_t i = 0; i < size_of(arguments[0]) && heap.spend(1); ++i) {
    const Value item = item_of(arguments[0], i);
    if (truth(item)) out.push_back(item);
  }
  return heap.list(std::move(out));
}

Result<Value> has_call(Heap& heap, Arguments arguments) {
  for (std::size_t i = 0; i < size_of(arguments[1]) && !heap.exhausted(); ++i) {
    if (same(heap, item_of(arguments[1], i), arguments[0])) return bool_value(true);
  }
  return bool_value(false);
}

Result<Value> reverse_call(Heap& heap, Arguments arguments) {
  if (!may_copy(heap, arguments[0])) return Value{};
  Items items = items_of(arguments[0]);
  std::ranges::reverse(items);
  return heap.list(std::move(items));
}

constexpr auto kLists = std::to_array<Function>({
    {"list", "a*", list_call},
    {"first", "l", first_call},
    {"last", "l", last_call},
    {"rest", "l", rest_call},
    {"initial", "l", initial_call},
    {"append", "la", append_call},
    {"prepend", "la", prepend_call},
    {"concat", "l*", concat_call},
    {"uniq", "l", uniq_call},
    {"without", "la*", without_call},
    {"compact", "l", compact_call},
    {"has", "al", has_call},
    {"reverse", "l", reverse_call},
});

}  // namespace

std::span<const Function> list_functions() { return kLists; }

}  // namespace lathe::templates
