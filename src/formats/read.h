#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/formats/node.h"

// YAML and JSON text -> one tree of values with positions. Pure: `file` is only a name for messages.
//
// Both readers are strict and bounded: a key that occurs twice is an error, so is text that is too large, nested too
// deeply, or that unfolds into too many values (YAML aliases are copied, and every copy counts). Errors read
// "config.yaml:3:7: …" and have the code `invalid`, or `limit_exceeded` at a bound.
//
// YAML is taken as its 1.2 core schema: `no` and `on` are text, `0o17` is a number. Merge keys, tags other than the
// core ones, keys that are not text, and more than one document in a file are refused by name.

namespace lathe::formats {

struct Limits {
  std::size_t max_bytes = 4U << 20;
  std::size_t max_depth = 64;
  std::size_t max_values = 200'000;
};

/// An empty file is a document whose root is null.
[[nodiscard]] base::Result<Document> read_yaml(std::string_view text, std::string file, Limits limits = {});
[[nodiscard]] base::Result<Document> read_json(std::string_view text, std::string file, Limits limits = {});
/// JSON when the name ends in ".json", else YAML.
[[nodiscard]] base::Result<Document> read_document(std::string_view text, std::string file, Limits limits = {});

/// The value that a plain YAML scalar stands for: null, true or false, a number, or text.
[[nodiscard]] Node plain_scalar(std::string_view text);

/// "file:line:column: message" as an Error; only the message when `file` is empty (a value that is from no file).
[[nodiscard]] base::Error error_at(std::string_view file, Position at, std::string_view message, std::string hint = "");

}  // namespace lathe::formats
