#include "lathe/agent/json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> problems(const char* schema, const char* value) {
  return schema_problems(*base::parse_json(schema), *base::parse_json(value));
}

TEST(JsonSchema, TypesAndRequiredMembers) {
  const char* schema = R"({"type":"object","required":["name","tags"],"additionalProperties":false,"properties":{
      "name":{"type":"string","minLength":2},"tags":{"type":"array","maxItems":2,"items":{"enum":["a","b"]}},
      "age":{"type":["integer","null"],"minimum":0}}})";
  EXPECT_THAT(problems(schema, R"({"name":"Zoë","tags":["a","b"],"age":3.0})"), IsEmpty());
  EXPECT_THAT(problems(schema, R"({"name":"Zoë","tags":[],"age":null})"), IsEmpty());
  EXPECT_THAT(problems(schema, R"([])"), ElementsAre("the answer: must be an object"));
  EXPECT_THAT(problems(schema, R"({"name":"é","tags":["a","c","b"],"age":-1.5,"extra":1})"),
              ElementsAre("/name: must have at least 2 characters", "/tags: must have at most 2 items",
                          "/tags/1: must be one of [\"a\",\"b\"]", "/age: must be an integer or null",
                          "/extra: is not allowed"));
  EXPECT_THAT(problems(schema, R"({"name":"ab"})"), ElementsAre("the answer: must have \"tags\""));
}

TEST(JsonSchema, CombinationsAndReferences) {
  const char* schema =
      R"({"$defs":{"node":{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]},
      "n":{"type":"number","exclusiveMinimum":0}}}},"$ref":"#/$defs/node"})";
  EXPECT_THAT(problems(schema, R"({"n":1,"next":{"n":2,"next":null}})"), IsEmpty());
  EXPECT_THAT(problems(schema, R"({"n":0})"), ElementsAre("/n: must be more than 0"));
  EXPECT_THAT(problems(schema, R"({"next":{"next":5}})"), ElementsAre("/next: fits none of the forms allowed (anyOf)"));
  EXPECT_THAT(problems(R"({"oneOf":[{"type":"number"},{"minimum":0}]})", "5").size(), 1U);
  EXPECT_THAT(problems(R"({"allOf":[{"const":5}]})", "6"), ElementsAre("the answer: must be 5"));
}

TEST(JsonSchema, ASchemaThatRefersToItselfForeverEnds) {
  EXPECT_THAT(problems(R"({"anyOf":[{"$ref":"#"},{"$ref":"#"}]})", "1"), testing::SizeIs(testing::Le(10U)));
}

}  // namespace
}  // namespace lathe::agent
