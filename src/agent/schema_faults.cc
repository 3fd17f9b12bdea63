#include "lathe/agent/schema_faults.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace lathe::agent {
namespace {

using base::Json;

constexpr std::size_t kMaxFaults = 10;
constexpr int kMaxSchemaDepth = 100;

constexpr std::array<std::string_view, 7> kTypes{"string", "number", "integer", "boolean", "object", "array", "null"};
constexpr std::array kSchemas{"additionalProperties", "not"};
constexpr std::array kMapsOfSchemas{"properties", "patternProperties", "$defs", "definitions"};
constexpr std::array kListsOfSchemas{"anyOf", "oneOf", "allOf"};
constexpr std::array kNumbers{"minimum", "maximum"};
constexpr std::array kSizes{"minLength", "maxLength", "minItems", "maxItems"};

class Finder final {
 public:
  explicit Finder(const Json& root) : root_(root) {}

  void look(const Json& schema, const std::string& path, int depth) {
    if (faults_.size() >= kMaxFaults || depth > kMaxSchemaDepth || schema.is_boolean()) return;
    if (!schema.is_object()) {
      report(path, "must be an object, true or false");
      return;
    }
    look_at_types(schema, path);
    look_at_values(schema, path);
    look_at_reference(schema, path);
    look_below(schema, path, depth);
  }

  std::vector<std::string> take() { return std::move(faults_); }

 private:
  void report(const std::string& path, const std::string& what) {
    if (faults_.size() < kMaxFaults) faults_.push_back((path.empty() ? std::string("the schema") : path) + ": " + what);
  }

  void look_at_type(const Json& type, const std::string& path) {
    const bool known =
        type.is_string() && std::ranges::find(kTypes, type.get_ref<const std::string&>()) != kTypes.end();
    if (!known) report(path, base::dump_json(type) + " is no type");
  }

  void look_at_types(const Json& schema, const std::string& path) {
    const auto type = schema.find("type");
    if (type == schema.end()) return;
    if (!type->is_array()) look_at_type(*type, path + "/type");
    if (type->is_array()) {
      for (const Json& one : *type) look_at_type(one, path + "/type");
    }
  }

  /// `fits` of each keyword that is there.
  template <class Names, class Fits>
  void look_at(const Names& names, const Json& schema, const std::string& path, Fits fits, const std::string& what) {
    for (const char* name : names) {
      const auto found = schema.find(name);
      if (found != schema.end() && !fits(*found)) report(path + "/" + name, "must be " + what);
    }
  }

  void look_at_values(const Json& schema, const std::string& path) {
    look_at(kNumbers, schema, path, [](const Json& value) { return value.is_number(); }, "a number");
    const auto is_size = [](const Json& value) { return value.is_number() && value.get<double>() >= 0; };
    look_at(kSizes, schema, path, is_size, "a number from 0 on");
    look_at(std::array{"enum"}, schema, path, [](const Json& value) { return value.is_array(); }, "a list");
    const auto is_names = [](const Json& value) {
      return value.is_array() &&
             std::all_of(value.begin(), value.end(), [](const Json& name) { return name.is_string(); });
    };
    look_at(std::array{"required"}, schema, path, is_names, "a list of names");
  }

  void look_at_reference(const Json& schema, const std::string& path) {
    const auto reference = schema.find("$ref");
    if (reference == schema.end()) return;
    if (!reference->is_string()) {
      report(path + "/$ref", "must be a text");
      return;
    }
    const auto& text = reference->get_ref<const std::string&>();
    if (!text.starts_with("#/")) return;  // the whole, an anchor, or another document
    try {
      (void)root_.at(Json::json_pointer(text.substr(1)));
    } catch (const Json::exception&) {
      report(path + "/$ref", base::dump_json(*reference) + " leads nowhere");
    }
  }

  void look_below(const Json& schema, const std::string& path, int depth) {
    for (const char* name : kSchemas) {
      const auto found = schema.find(name);
      if (found != schema.end()) look(*found, path + "/" + name, depth + 1);
    }
    for (const char* name : kMapsOfSchemas) {
      const auto found = schema.find(name);
      if (found == schema.end()) continue;
      if (!found->is_object()) {
        report(path + "/" + name, "must be an object");
        continue;
      }
      for (const auto& [key, below] : found->items()) look(below, path + "/" + name + "/" + key, depth + 1);
    }
    for (const char* name : kListsOfSchemas) {
      const auto found = schema.find(name);
      if (found == schema.end()) continue;
      if (!found->is_array() || found->empty()) report(path + "/" + name, "must be a list of schemas");
      if (found->is_array()) look_at_each(*found, path + "/" + name, depth);
    }
    const auto items = schema.find("items");
    if (items == schema.end()) return;
    if (items->is_array()) {
      look_at_each(*items, path + "/items", depth);  // an older way to write a tuple
    } else {
      look(*items, path + "/items", depth + 1);
    }
  }

  void look_at_each(const Json& schemas, const std::string& path, int depth) {
    for (std::size_t i = 0; i < schemas.size(); ++i) look(schemas[i], path + "/" + std::to_string(i), depth + 1);
  }

  const Json& root_;
  std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> schema_faults(const Json& schema) {
  Finder finder(schema);
  finder.look(schema, "", 0);
  return finder.take();
}

}  // namespace lathe::agent
