#include "lathe/agent/schema_faults.h"

#include <gtest/gtest.h>

namespace lathe::agent {
namespace {

using Lines = std::vector<std::string>;

Lines faults(const char* schema) { return schema_faults(*base::parse_json(schema)); }

TEST(SchemaFaults, AreNamedWithTheirPlace) {
  EXPECT_EQ(faults(R"({"type":"banana"})"), Lines{"/type: \"banana\" is no type"});
  EXPECT_EQ(faults(R"({"properties":{"a":{"type":["string",7]}}})"), Lines{"/properties/a/type: 7 is no type"});
  EXPECT_EQ(faults(R"({"properties":[]})"), Lines{"/properties: must be an object"});
  EXPECT_EQ(faults(R"({"required":"a"})"), Lines{"/required: must be a list of names"});
  EXPECT_EQ(faults(R"({"enum":"a"})"), Lines{"/enum: must be a list"});
  EXPECT_EQ(faults(R"({"minimum":"1","maxItems":-1})"),
            (Lines{"/minimum: must be a number", "/maxItems: must be a number from 0 on"}));
  EXPECT_EQ(faults(R"({"anyOf":[]})"), Lines{"/anyOf: must be a list of schemas"});
  EXPECT_EQ(faults(R"({"items":{"oneOf":[true,5]}})"), Lines{"/items/oneOf/1: must be an object, true or false"});
  EXPECT_EQ(faults(R"({"$ref":"#/$defs/x"})"), Lines{"/$ref: \"#/$defs/x\" leads nowhere"});
}

TEST(SchemaFaults, AreNoneInWhatProvidersTake) {
  EXPECT_EQ(faults("{}"), Lines{});
  EXPECT_EQ(faults(R"({
    "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Plan", "type": "object",
    "properties": {
      "type": {"type": "string", "enum": ["a", "b"], "minLength": 1, "pattern": "^."},
      "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}, "minItems": 1},
      "note": {"type": ["string", "null"]}, "odd": {"const": {"type": "banana"}}
    },
    "required": ["type", "steps"], "additionalProperties": false,
    "$defs": {"step": {"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"$ref": "#"}]}}
  })"),
            Lines{});
}

TEST(SchemaFaults, AreTenAtMost) {
  base::Json schema;
  for (int i = 0; i < 20; ++i) schema["properties"]["p" + std::to_string(i)] = {{"type", i}};
  EXPECT_EQ(schema_faults(schema).size(), 10U);
}

}  // namespace
}  // namespace lathe::agent
