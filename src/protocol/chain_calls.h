#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/fields.h"
#include "lathe/protocol/items.h"

// What workflow files say. They come as text, so that nothing is read where the engine runs.

namespace lathe::protocol {

/// An error forbids the run, a warning does not.
enum class FindingSeverity : std::uint8_t { kError, kWarning };
constexpr auto enum_names(FindingSeverity) {
  return std::array{EnumName{FindingSeverity::kError, "error"}, EnumName{FindingSeverity::kWarning, "warning"}};
}

struct ChainFinding {
  static constexpr std::string_view kDoc = "Something that is wrong with a chain, and where.";
  std::string id;
  FindingSeverity severity = FindingSeverity::kError;
  std::int64_t line = 0;
  std::int64_t column = 0;
  std::string message;
  std::string hint;
  static constexpr auto fields() {
    using S = ChainFinding;
    return std::tuple{required("id", &S::id, "its class, as docs/reference/chains.md lists them"),
                      required("severity", &S::severity, "error or warning"),
                      required("line", &S::line, "from 1"),
                      required("column", &S::column, "from 1, in bytes"),
                      required("message", &S::message, "what is wrong"),
                      optional("hint", &S::hint, "what to do about it")};
  }
  friend bool operator==(const ChainFinding&, const ChainFinding&) = default;
};

struct ChainBound {
  static constexpr std::string_view kDoc = "The most that a run of a chain can spend.";
  std::string chain;
  std::string text;
  static constexpr auto fields() {
    using S = ChainBound;
    return std::tuple{required("chain", &S::chain, "its id"),
                      required("text", &S::text, "a line for each kind, and the people who are asked")};
  }
  friend bool operator==(const ChainBound&, const ChainBound&) = default;
};

struct ChainCheckReply {
  static constexpr std::string_view kType = "chain_check";
  static constexpr std::string_view kDoc = "What is wrong with the chains of a file.";
  std::vector<ChainFinding> findings;
  std::vector<ChainBound> bounds;
  static constexpr auto fields() {
    using S = ChainCheckReply;
    return std::tuple{optional("findings", &S::findings, "in the order of the file"),
                      optional("bounds", &S::bounds, "of each chain, where no finding is an error")};
  }
  friend bool operator==(const ChainCheckReply&, const ChainCheckReply&) = default;
};
struct ChainCheck {
  using Reply = ChainCheckReply;
  static constexpr std::string_view kType = "chain_check";
  static constexpr std::string_view kDoc = "Checks the chains of a file without running them.";
  std::string file;
  std::string text;
  bool strict = false;
  std::vector<std::string> variables;
  static constexpr auto fields() {
    using S = ChainCheck;
    return std::tuple{required("file", &S::file, "its name, for messages; .json makes it JSON, all else is YAML"),
                      required("text", &S::text, "what is in it"),
                      optional("strict", &S::strict, "fields that no dialect has are errors"),
                      optional("variables", &S::variables, "names that --var will give a value")};
  }
  friend bool operator==(const ChainCheck&, const ChainCheck&) = default;
};

/// A picture for a terminal, for Markdown pages, for Graphviz, or as it is; or the file with what its tasks inherit.
enum class ChainForm : std::uint8_t { kText, kMermaid, kDot, kSvg, kYaml };
constexpr auto enum_names(ChainForm) {
  return std::array{EnumName{ChainForm::kText, "text"}, EnumName{ChainForm::kMermaid, "mermaid"},
                    EnumName{ChainForm::kDot, "dot"}, EnumName{ChainForm::kSvg, "svg"},
                    EnumName{ChainForm::kYaml, "yaml"}};
}

struct ChainShowReply {
  static constexpr std::string_view kType = "chain_show";
  static constexpr std::string_view kDoc = "A chain in another form.";
  std::string text;
  static constexpr auto fields() { return std::tuple{required("text", &ChainShowReply::text, "as it was asked for")}; }
  friend bool operator==(const ChainShowReply&, const ChainShowReply&) = default;
};
struct ChainShow {
  using Reply = ChainShowReply;
  static constexpr std::string_view kType = "chain_show";
  static constexpr std::string_view kDoc = "Shows a chain in another form. An error when it cannot be understood.";
  std::string file;
  std::string text;
  std::string chain;
  ChainForm form = ChainForm::kText;
  static constexpr auto fields() {
    using S = ChainShow;
    return std::tuple{
        required("file", &S::file, "its name, for messages; .json makes it JSON, all else is YAML"),
        required("text", &S::text, "what is in it"),
        optional("chain", &S::chain, "id of one of its chains, where it has several"),
        required("form", &S::form, "a picture, or the file with what its tasks inherit and where that is from")};
  }
  friend bool operator==(const ChainShow&, const ChainShow&) = default;
};

struct ChainSchemaReply {
  static constexpr std::string_view kType = "chain_schema";
  static constexpr std::string_view kDoc = "The JSON Schema of workflow files.";
  base::Json schema;
  static constexpr auto fields() {
    return std::tuple{required("schema", &ChainSchemaReply::schema, "JSON Schema 2020-12, for editors")};
  }
  friend bool operator==(const ChainSchemaReply&, const ChainSchemaReply&) = default;
};
struct ChainSchema {
  using Reply = ChainSchemaReply;
  static constexpr std::string_view kType = "chain_schema";
  static constexpr std::string_view kDoc = "Tells what a workflow file of ours may hold.";
  static constexpr auto fields() { return std::tuple<>{}; }
  friend bool operator==(const ChainSchema&, const ChainSchema&) = default;
};

}  // namespace lathe::protocol
