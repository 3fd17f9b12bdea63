#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/json.h"

// The field lists once more, as data: a graph of types that the exports walk. Built once, when first asked for;
// immutable and shared from then on, by any thread.

namespace lathe::protocol {

struct TypeInfo;

struct FieldInfo {
  std::string_view name;
  std::string_view doc;
  const TypeInfo* type = nullptr;
  bool required = false;
  /// What reading gives without the field, where that is a plain value.
  std::optional<base::Json> fallback;
};

struct EnumValue {
  std::string_view name;
  /// Accepted when read, never written.
  std::vector<std::string_view> aliases;
};

struct TypeInfo {
  enum class Kind { kString, kBoolean, kInteger, kNumber, kOpaque, kList, kEnum, kStruct, kUnion };
  Kind kind = Kind::kOpaque;
  /// Unique among enums, structs and unions ("UserInputOp", "Usage"); empty for the rest.
  std::string name;
  std::string_view doc;
  /// The value of `type` when this is a member of a union.
  std::string_view tag;
  /// An event that is not recorded.
  bool passing = false;
  /// Of a list.
  const TypeInfo* element = nullptr;
  /// Of a union, in the order of its declaration.
  std::vector<const TypeInfo*> members;
  std::vector<FieldInfo> fields;
  std::vector<EnumValue> values;
  /// Of a call: what answers it.
  const TypeInfo* reply = nullptr;
};

struct Description {
  const TypeInfo* op = nullptr;
  const TypeInfo* event = nullptr;
  const TypeInfo* call = nullptr;
  const TypeInfo* reply = nullptr;
  /// Enums, structs and unions that the members of those four use, by name.
  std::vector<const TypeInfo*> shared;
  /// Bodies of the HTTP wire and what only they use, by name.
  std::vector<const TypeInfo*> payloads;
};

[[nodiscard]] const Description& describe();

}  // namespace lathe::protocol
