#include "lathe/chain/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "lathe/chain/load.h"
#include "lathe/chain/reader.h"
#include "lathe/chain/show.h"
#include "lathe/formats/read.h"

namespace lathe::chain {
namespace {

using base::Json;

const Json& whole_schema() {
  static const Json all = schema();
  return all;
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

/// As much of JSON Schema as ours uses, patterns aside; says where the value does not hold to it, or nothing.
std::string fault_of(const Json& value, const Json& schema, const std::string& where) {
  if (schema.contains("$ref")) {
    const std::string name = schema["$ref"].get<std::string>().substr(std::string("#/$defs/").size());
    return fault_of(value, whole_schema()["$defs"][name], where);
  }
  for (const char* key : {"oneOf", "anyOf"}) {
    if (!schema.contains(key)) continue;
    std::string first;
    for (const Json& option : schema[key]) {
      const std::string fault = fault_of(value, option, where);
      if (fault.empty()) return "";
      // A task is explained by the handler that it has.
      const Json& handler = base::json_at(value, "handler");
      const Json& meant = base::json_at(option, "$ref");
      const bool is_it = handler.is_string() && meant.is_string() &&
                         meant.get<std::string>().ends_with("/" + handler.get<std::string>());
      if (first.empty() || is_it) first = fault;
    }
    return first;
  }
  if (schema.contains("const") && schema["const"] != value)
    return where + " is not " + base::dump_json(schema["const"]);
  if (schema.contains("enum") && std::ranges::find(schema["enum"], value) == schema["enum"].end())
    return where + " is no choice";
  if (schema.contains("type")) {
    const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    const auto fits = [&](const Json& type) { return has_type(value, type.get<std::string>()); };
    if (std::ranges::none_of(types, fits)) return where + " is of another type";
  }
  for (const Json& name : base::json_at(schema, "required")) {
    if (!value.contains(name.get<std::string>())) return where + " lacks " + name.get<std::string>();
  }
  if (value.is_array() && schema.contains("items")) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (std::string fault = fault_of(value[i], schema["items"], where + "[" + std::to_string(i) + "]");
          !fault.empty())
        return fault;
    }
  }
  if (!value.is_object()) return "";
  const Json& rest = base::json_at(schema, "additionalProperties");
  for (const auto& [name, member] : value.items()) {
    const Json& known = base::json_at(base::json_at(schema, "properties"), name);
    if (known.is_null() && rest == false) return where + "." + name + " is not known";
    const Json& own = known.is_null() ? rest : known;
    if (!own.is_object()) continue;
    if (std::string fault = fault_of(member, own, where + "." + name); !fault.empty()) return fault;
  }
  return "";
}

std::string fault_in(const std::string& text, const std::string& file) {
  const auto document = formats::read_document(text, file);
  EXPECT_TRUE(document.ok()) << document.error().text();
  return fault_of(json_of(document->root), whole_schema(), "chain");
}

std::string valid_file(const std::string& name) {
  std::ifstream file(std::filesystem::path(LATHE_SOURCE_DIR) / "src/chain/testdata/valid" / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Schema, HoldsForValidFiles) {
  EXPECT_EQ(fault_in(valid_file("everything.yaml"), "everything.yaml"), "");
  EXPECT_EQ(fault_in(valid_file("readme.json"), "readme.json"), "");
}

TEST(Schema, HoldsForWhatIsShown) {
  const Loaded loaded = load(valid_file("contenox-run.json"), "contenox-run.json");
  ASSERT_FALSE(has_errors(loaded.findings));
  const auto shown = show(loaded.chains.at(0));
  ASSERT_TRUE(shown.ok());
  EXPECT_EQ(fault_in(*shown, "shown.yaml"), "");
}

TEST(Schema, RefusesWhatTheLoaderRefuses) {
  EXPECT_EQ(fault_in("tasks: [{id: a, handler: noop, comand: x}]", "a.yaml"), "chain.tasks[0].comand is not known");
  EXPECT_EQ(fault_in("tasks: [{id: a, handler: shell, command: ls, parse: jsn}]", "a.yaml"),
            "chain.tasks[0].parse is no choice");
  EXPECT_EQ(fault_in("tasks: [{id: a, handler: noop, print: 5}]", "a.yaml"), "chain.tasks[0].print is of another type");
  EXPECT_EQ(fault_in("id: a", "a.yaml"), "chain lacks tasks");
}

TEST(Schema, HasATaskForEachHandler) {
  for (const std::string& handler : handler_names()) {
    ASSERT_TRUE(whole_schema()["$defs"].contains(handler)) << handler;
    EXPECT_EQ(whole_schema()["$defs"][handler]["properties"]["handler"]["const"], handler);
  }
}

}  // namespace
}  // namespace lathe::chain
