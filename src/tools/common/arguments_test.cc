#include "lathe/tools/common/arguments.h"

#include <gtest/gtest.h>

#include "lathe/tools/common/schema.h"

namespace lathe::tools::common {
namespace {

const ports::ToolSpec& spec() {
  static const ports::ToolSpec value{
      .name = "read_file",
      .description = "",
      .parameters = object_schema({{"path", Need::kRequired, text_schema("where")},
                                   {"offset", Need::kOptional, number_schema("first line", 1)},
                                   {"all", Need::kOptional, flag_schema("every one")}})};
  return value;
}

base::Result<Arguments> parse(std::string arguments) {
  return Arguments::parse(spec(), {.call_id = "c", .tool = "read_file", .arguments = std::move(arguments)});
}

std::string parse_error(std::string arguments) {
  const auto parsed = parse(std::move(arguments));
  return parsed.ok() ? "" : parsed.error().text();
}

TEST(Schema, IsSortedAndClosed) {
  EXPECT_EQ(spec().parameters.dump(),
            R"({"additionalProperties":false,"properties":{"all":{"description":"every one","type":"boolean"},)"
            R"("offset":{"description":"first line","minimum":1,"type":"integer"},)"
            R"("path":{"description":"where","type":"string"}},"required":["path"],"type":"object"})");
}

TEST(Arguments, GivesTypedValues) {
  const auto arguments = parse(R"({"path":"a","offset":3,"all":true})");
  ASSERT_TRUE(arguments.ok());
  EXPECT_EQ(*arguments->text("path"), "a");
  EXPECT_EQ(*arguments->optional_number("offset", 1, 10), 3);
  EXPECT_TRUE(*arguments->flag("all", false));
}

TEST(Arguments, TakesNullAsAbsentAndAWholeFloatAsANumber) {
  const auto arguments = parse(R"({"path":"a","offset":3.0,"all":null})");
  EXPECT_EQ(*arguments->optional_number("offset", 1, 10), 3);
  EXPECT_TRUE(*arguments->flag("all", true));
}

TEST(Arguments, NamesWhatIsWrong) {
  EXPECT_EQ(parse_error(R"({"path":"a","ofset":1})"),
            R"(read_file: "ofset" is not an argument (did you mean "offset"?))");
  EXPECT_EQ(parse_error(R"({"path":"a","zzzzzzzz":1})"),
            R"(read_file: "zzzzzzzz" is not an argument (the arguments are: all, offset, path))");
  EXPECT_EQ(parse_error(R"({"offset":1})"), "read_file: path is missing");
  EXPECT_EQ(parse_error(""), "read_file: path is missing");
  EXPECT_EQ(parse_error("[1]"), "read_file: the arguments must be a JSON object, not an array");
  EXPECT_TRUE(parse_error("{\"path\":").starts_with("read_file: the arguments are not JSON: "));
}

TEST(Arguments, RefusesWrongTypesAndRanges) {
  EXPECT_EQ(parse_error(R"({"path":7})"), "read_file: path must be a string, not a number");
  EXPECT_EQ(parse_error(R"({"path":"a","all":"yes"})"), "read_file: all must be true or false, not a string");
  const auto arguments = parse(R"({"path":"a","offset":-1})");
  EXPECT_EQ(arguments->optional_number("offset", 1, 10).error().message,
            "read_file: offset must be from 1 to 10, not -1");
  EXPECT_EQ(parse(R"({"path":"a\u0000b"})").error().message, "read_file: path holds a NUL byte");
  EXPECT_FALSE(parse(R"({"path":"","offset":1.5})")->optional_number("offset", 1, 10).ok());
  EXPECT_FALSE(parse(R"({"path":"","offset":1e300})")->optional_number("offset", 1, 10).ok());
  EXPECT_FALSE(parse(R"({"path":"","offset":18446744073709551615})")->optional_number("offset", 1, 10).ok());
}

TEST(Arguments, NamesThePartOfANestedArgument) {
  const ports::ToolSpec spec{
      .name = "t",
      .description = "",
      .parameters =
          object_schema({{"edits", Need::kRequired,
                          list_schema("", object_schema({{"kind", Need::kOptional, choice_schema("", {"a", "b"})},
                                                         {"old_text", Need::kRequired, text_schema("")}}))}})};
  const auto error = [&spec](std::string arguments) {
    const auto parsed = Arguments::parse(spec, {.call_id = "c", .tool = "t", .arguments = std::move(arguments)});
    return parsed.ok() ? "" : parsed.error().text();
  };
  EXPECT_EQ(error(R"({"edits":[{"old_text":"x"},{"old_text":1}]})"),
            "t: edits[1].old_text must be a string, not a number");
  EXPECT_EQ(error(R"({"edits":[{}]})"), "t: edits[0].old_text is missing");
  EXPECT_EQ(error(R"({"edits":[{"old_text":"x","kind":"c"}]})"),
            R"(t: edits[0].kind must be one of ["a","b"], not "c")");
  EXPECT_EQ(error(R"({"edits":[{"old_text":"x","kin":"a"}]})"),
            R"(t: edits[0].kin is not an argument (did you mean "kind"?))");
  EXPECT_EQ(error(R"({"edits":{}})"), "t: edits must be a list, not an object");
  EXPECT_EQ(error(R"({"edits":[{"old_text":"x","kind":null}]})"), "");
}

}  // namespace
}  // namespace lathe::tools::common
