#include "lathe/chain/schema.h"

#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "lathe/chain/chain.h"
#include "lathe/chain/fields.h"

namespace lathe::chain {
namespace {

using base::Json;

template <class T>
Json schema_of_fields();

Json text_schema() { return {{"type", "string"}}; }
Json loose_schema() { return {{"type", {"string", "number", "boolean"}}}; }
Json list_schema(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }
Json map_schema(Json values) { return {{"type", "object"}, {"additionalProperties", std::move(values)}}; }

template <class T>
Json value_schema() {
  if constexpr (std::is_same_v<T, bool>) return {{"type", "boolean"}};
  if constexpr (std::is_same_v<T, std::int64_t>) return {{"type", "integer"}, {"minimum", 0}};
  if constexpr (std::is_same_v<T, double>) return {{"type", "number"}};
  if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
    return {{"type", "string"}, {"pattern", "^([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^0$"}};
  }
  if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, templates::Template>) return text_schema();
  // Any JSON.
  return Json::object();
}

/// A visitor of fields.h that describes.
class SchemaWriter final {
 public:
  Json properties = Json::object();

  template <class T>
  void value(std::string_view name, const Given<T>&, std::string_view meaning) {
    add(name, value_schema<T>(), meaning);
  }
  void loose(std::string_view name, const Text&, std::string_view meaning) { add(name, loose_schema(), meaning); }
  template <class T>
  void choice(std::string_view name, const Given<T>&, std::span<const std::string_view> words,
              std::string_view meaning) {
    Json all = Json::array();
    for (const std::string_view word : words) all.push_back(std::string(word));
    add(name, {{"enum", std::move(all)}}, meaning);
  }
  void special(std::string_view name, const Given<Session>&, std::string_view meaning) {
    add(name, {{"type", "string"}, {"pattern", "^(shared|new|fork_from:.+)$"}}, meaning);
  }
  void special(std::string_view name, const Given<Join>&, std::string_view meaning) {
    Json words = Json::object();
    words["enum"] = Json::array({"all", "any"});
    Json count = value_schema<std::int64_t>();
    Json either = Json::array();
    either.push_back(std::move(words));
    either.push_back(std::move(count));
    Json one = Json::object();
    one["anyOf"] = std::move(either);
    add(name, std::move(one), meaning);
  }
  template <class T>
  void object(std::string_view name, const Given<T>&, std::string_view meaning) {
    add(name, schema_of_fields<T>(), meaning);
  }
  void object(std::string_view name, const Transition&, std::string_view meaning) {
    add(name, schema_of_fields<Transition>(), meaning);
  }
  template <class T>
  void list(std::string_view name, const std::vector<Given<T>>&, std::string_view meaning) {
    add(name, list_schema(text_schema()), meaning);
  }
  template <class T>
  void list(std::string_view name, const std::vector<T>&, std::string_view meaning) {
    if constexpr (std::is_same_v<T, Task>) {
      add(name, list_schema({{"$ref", "#/$defs/task"}}), meaning);
    } else {
      Json item = schema_of_fields<T>();
      if constexpr (std::is_same_v<T, Branch>) item["required"] = Json::array({"operator"});
      add(name, list_schema(std::move(item)), meaning);
    }
  }
  void listed(std::string_view name, const Given<Texts>&, std::string_view meaning) {
    add(name, list_schema(text_schema()), meaning);
  }
  void named(std::string_view name, const std::vector<NamedText>&, std::string_view meaning) {
    add(name, map_schema(loose_schema()), meaning);
  }
  void named(std::string_view name, const std::vector<ToolPolicy>&, std::string_view meaning) {
    add(name, map_schema(map_schema(loose_schema())), meaning);
  }
  void named(std::string_view name, const std::vector<Input>&, std::string_view meaning) {
    add(name, map_schema(schema_of_fields<Input>()), meaning);
  }

 private:
  /// A null is a field that is not there.
  void add(std::string_view name, Json what, std::string_view meaning) {
    Json& property = properties[std::string(name)];
    property = std::move(what);
    property["description"] = std::string(meaning);
  }
};

template <class T>
Json schema_of_fields() {
  SchemaWriter writer;
  const T fields_of{};
  fields(writer, fields_of);
  return {{"type", "object"}, {"properties", std::move(writer.properties)}, {"additionalProperties", false}};
}

/// A task with one handler: what all have, and what is the handler's own.
Json task_schema(const std::string& handler) {
  SchemaWriter writer;
  const Task task;
  Json name = Json::object();
  name["const"] = handler;
  name["description"] = "Its evals: " + std::string(evals_in_words(handler)) + ".";
  writer.properties["handler"] = std::move(name);
  fields(writer, task);
  Json next = text_schema();
  next["description"] = "Short for a transition with one default branch.";
  writer.properties["next"] = std::move(next);
  const Does does = *make_handler(handler);
  std::visit([&](const auto& own) { fields(writer, own); }, does);
  return {{"type", "object"},
          {"properties", std::move(writer.properties)},
          {"required", Json::array({"id", "handler"})},
          {"additionalProperties", false}};
}

}  // namespace

Json schema() {
  Json chain = schema_of_fields<Chain>();
  Json tasks = Json::array();
  Json defs = Json::object();
  for (const std::string& handler : handler_names()) {
    defs[handler] = task_schema(handler);
    Json ref = Json::object();
    ref["$ref"] = "#/$defs/" + handler;
    tasks.push_back(std::move(ref));
  }
  Json task = Json::object();
  task["oneOf"] = std::move(tasks);
  defs["task"] = std::move(task);
  Json out = Json::object();
  out["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  out["title"] = "A chain of Lathe";
  for (auto& [key, value] : chain.items()) out[key] = value;
  out["required"] = Json::array({"tasks"});
  out["$defs"] = std::move(defs);
  return out;
}

}  // namespace lathe::chain
