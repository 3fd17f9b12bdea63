#include "lathe/protocol/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "lathe/protocol/describe.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::protocol {
namespace {

using testing::HasSubstr;

/// Every "$ref" below `json`.
void collect_refs(const base::Json& json, std::set<std::string>& refs) {
  for (const auto& [key, value] : json.items()) {
    if (key == "$ref") refs.insert(value.get<std::string>());
    if (value.is_structured()) collect_refs(value, refs);
  }
}

TEST(Describe, NamesAreUniqueAndEveryCallHasItsReply) {
  std::set<std::string> names;
  const Description& all = describe();
  for (const TypeInfo* root : {all.op, all.event, all.call, all.reply}) {
    for (const TypeInfo* member : root->members) {
      EXPECT_TRUE(names.insert(member->name).second) << member->name;
      EXPECT_FALSE(member->doc.empty()) << member->name;
    }
  }
  for (const TypeInfo* shared : all.shared) EXPECT_TRUE(names.insert(shared->name).second) << shared->name;
  for (const TypeInfo* call : all.call->members) EXPECT_NE(call->reply, nullptr) << call->name;
}

TEST(Describe, KnowsPresenceDefaultsAliasesAndPassing) {
  const Description& all = describe();
  const TypeInfo& search = **std::ranges::find(all.call->members, "session_search", &TypeInfo::tag);
  EXPECT_TRUE(search.fields[0].required);
  EXPECT_EQ(search.fields[1].fallback, base::Json(20));
  const TypeInfo& decision = **std::ranges::find(all.shared, "Decision", &TypeInfo::name);
  EXPECT_EQ(decision.values[0].aliases, (std::vector<std::string_view>{"allow", "Allow"}));
  EXPECT_TRUE((*std::ranges::find(all.event->members, "agent_message_delta", &TypeInfo::tag))->passing);
  EXPECT_FALSE((*std::ranges::find(all.event->members, "agent_message", &TypeInfo::tag))->passing);
}

TEST(JsonSchema, DefinesWhatItRefersToAndNothingElse) {
  const base::Json schema = json_schema();
  std::set<std::string> refs;
  collect_refs(schema, refs);
  std::set<std::string> defined;
  for (const auto& [name, definition] : schema["$defs"].items()) defined.insert("#/$defs/" + name);
  EXPECT_EQ(refs, defined);
}

TEST(OpenApi, RefersToWhatItDefinesAndNamesScopes) {
  const base::Json document = openapi();
  std::set<std::string> refs;
  collect_refs(document, refs);
  const std::string place = "#/components/schemas/";
  for (const std::string& ref : refs) {
    ASSERT_TRUE(ref.starts_with(place)) << ref;
    EXPECT_TRUE(document["components"]["schemas"].contains(ref.substr(place.size()))) << ref;
  }
  const base::Json& rebuild = document["paths"]["/v1/calls/index_rebuild"]["post"];
  EXPECT_EQ(rebuild["security"], base::Json::parse(R"([{"token": ["admin"]}])"));
  EXPECT_EQ(document["paths"]["/health"]["get"]["security"], base::Json::array());
  const base::Json& body =
      document["paths"]["/v1/calls/session_search"]["post"]["requestBody"]["content"]["application/json"]["schema"];
  EXPECT_FALSE(body["properties"].contains("type"));
  EXPECT_EQ(body["required"], base::Json::parse(R"(["query"])"));
}

TEST(Typescript, DeclaresUnionsEnumsAndOptionalFields) {
  const std::string text = typescript();
  EXPECT_THAT(text, HasSubstr("export type IfBusy =\n  | \"replace\"\n  | \"steer\"\n  | \"queue\";\n"));
  EXPECT_THAT(text, HasSubstr("export interface UserInputOp {\n  type: \"user_input\";\n  /** what the person says */\n"
                              "  items: ContentPart[];\n"));
  EXPECT_THAT(text, HasSubstr("  output_schema?: unknown;\n"));
}

TEST(Reference, NamesEveryErrorCodeAndMarksEvents) {
  const std::string page = reference_markdown();
  for (const ErrorCode& code : kErrorCodes) EXPECT_THAT(page, HasSubstr("| `" + std::string(code.code) + "` |"));
  EXPECT_THAT(page, HasSubstr("### agent_message_delta\n\n**Passing.** "));
  EXPECT_THAT(page, HasSubstr("### agent_message\n\n**Durable.** "));
}

}  // namespace
}  // namespace lathe::protocol
