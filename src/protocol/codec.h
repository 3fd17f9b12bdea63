#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/base/result.h"
#include "lathe/base/strings.h"
#include "lathe/protocol/fields.h"

// Struct <-> JSON from the field lists. Writing appends text directly (no tree is built); reading goes through a parsed
// tree and says where a value is wrong ("op.items[0].text: expected a string, not a number").
// Only frames.cc, the journal's snapshots and tests instantiate these templates.

namespace lathe::protocol::codec {

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};
template <class... T>
void as_variant(const std::variant<T...>&);
/// A variant, or a class made of one.
template <class T>
concept Union = requires(const T& value) { as_variant(value); };
template <class T>
struct is_pair : std::false_type {};
template <class A, class B>
struct is_pair<std::pair<A, B>> : std::true_type {};
template <class T>
struct is_string_map : std::false_type {};
template <class T>
struct is_string_map<std::map<std::string, T>> : std::true_type {};

/// Where in a JSON text a value stands; only turned into words when something is wrong.
struct Path {
  const Path* parent = nullptr;
  std::string_view name = {};
  std::size_t index = 0;

  [[nodiscard]] std::string text() const {
    if (parent == nullptr) return std::string(name);
    const std::string before = parent->text();
    if (name.empty()) return before + "[" + std::to_string(index) + "]";
    return before.empty() ? std::string(name) : before + "." + std::string(name);
  }
};

[[nodiscard]] inline base::Error wrong(const Path& path, std::string_view expected, const base::Json& found) {
  const std::string place = path.text();
  return {.code = base::codes::kInvalid,
          .message = (place.empty() ? "value" : place) + ": expected " + std::string(expected) + ", not " +
                     (found.is_null() ? std::string("null") : "a " + std::string(found.type_name()))};
}

// ---- writing

template <class T>
void write(std::string& out, const T& value);

template <Struct T>
void write_members(std::string& out, const T& value, bool first) {
  static const T kDefaults{};
  std::apply(
      [&](const auto&... field) {
        const auto one = [&](const auto& f) {
          const auto& member = value.*(f.member);
          if (f.presence == Presence::kOptional && member == kDefaults.*(f.member)) return;
          if (!first) out += ',';
          first = false;
          out += '"';
          out += f.name;
          out += "\":";
          write(out, member);
        };
        (one(field), ...);
      },
      T::fields());
}

template <class T>
void write(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    base::append_json_string(out, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::is_integral_v<T>) {
    out += std::to_string(value);
  } else if constexpr (std::is_same_v<T, base::Json> || std::is_floating_point_v<T>) {
    out += base::dump_json(base::Json(value));
  } else if constexpr (NamedEnum<T>) {
    out += '"';
    out += name_of(value);
    out += '"';
  } else if constexpr (is_optional<T>::value) {
    if (value) {
      write(out, *value);
    } else {
      out += "null";
    }
  } else if constexpr (is_vector<T>::value) {
    out += '[';
    bool first = true;
    for (const auto& element : value) {
      if (!std::exchange(first, false)) out += ',';
      write(out, element);
    }
    out += ']';
  } else if constexpr (is_pair<T>::value) {
    out += '[';
    write(out, value.first);
    out += ',';
    write(out, value.second);
    out += ']';
  } else if constexpr (is_string_map<T>::value) {
    out += '{';
    bool first = true;
    for (const auto& [name, element] : value) {
      if (!std::exchange(first, false)) out += ',';
      base::append_json_string(out, name);
      out += ':';
      write(out, element);
    }
    out += '}';
  } else if constexpr (Union<T>) {
    std::visit(
        [&]<class M>(const M& member) {
          out += "{\"type\":\"";
          out += M::kType;
          out += '"';
          write_members(out, member, /*first=*/false);
          out += '}';
        },
        value);
  } else {
    static_assert(Struct<T>);
    out += '{';
    write_members(out, value, /*first=*/true);
    out += '}';
  }
}

// ---- reading

template <class T>
base::Result<void> read(const base::Json& json, T& value, const Path& path);

template <Struct T>
base::Result<void> read_members(const base::Json& json, T& value, const Path& path) {
  if (!json.is_object()) return wrong(path, "an object", json);
  base::Result<void> result;
  std::apply(
      [&](const auto&... field) {
        const auto one = [&](const auto& f) {
          if (!result.ok()) return;
          const Path here{&path, f.name};
          const base::Json& member = base::json_at(json, f.name);
          if (member.is_null() && !json.contains(f.name)) {
            if (f.presence == Presence::kRequired) {
              result = base::Error{.code = base::codes::kInvalid, .message = here.text() + " is missing"};
            }
            return;
          }
          if (member.is_null() && f.presence == Presence::kOptional) return;
          result = read(member, value.*(f.member), here);
        };
        (one(field), ...);
      },
      T::fields());
  return result;
}

template <class E>
base::Result<void> read_enum(const base::Json& json, E& value, const Path& path) {
  if (!json.is_string()) return wrong(path, "a string", json);
  const auto& text = json.get_ref<const std::string&>();
  std::vector<std::string> names;
  for (const auto& entry : enum_names(E{})) {
    if (entry.name == text) {
      value = entry.value;
      return {};
    }
    names.emplace_back(entry.name);
  }
  std::string hint = base::did_you_mean(text, names);
  if (hint.empty()) hint = "one of: " + base::join(names, ", ");
  return base::Error{.code = base::codes::kInvalid,
                     .message = path.text() + ": \"" + text.substr(0, 80) + "\" is not known",
                     .hint = hint};
}

template <class... M>
std::vector<std::string> type_names(const std::variant<M...>*) {
  return {std::string(M::kType)...};
}

/// Reads the member whose kType is `type`; false when there is none.
template <class... M>
bool read_member_of(const base::Json& json, std::string_view type, std::variant<M...>& value, const Path& path,
                    base::Result<void>& result) {
  bool found = false;
  const auto one = [&]<class Member>(std::type_identity<Member>) {
    if (found || Member::kType != type) return;
    found = true;
    Member member;
    result = read_members(json, member, path);
    if (result.ok()) value = std::move(member);
  };
  (one(std::type_identity<M>{}), ...);
  return found;
}

/// `unknown_code` is the error's code when the tag is not known.
template <class V>
base::Result<void> read_union(const base::Json& json, V& value, const Path& path, const char* unknown_code) {
  if (!json.is_object()) return wrong(path, "an object", json);
  const base::Json& type = base::json_at(json, "type");
  if (!type.is_string()) {
    const Path here{&path, "type"};
    return base::Error{.code = base::codes::kInvalid, .message = here.text() + " is missing"};
  }
  base::Result<void> result;
  const auto& name = type.get_ref<const std::string&>();
  if (read_member_of(json, name, value, path, result)) return result;
  return base::Error{.code = unknown_code,
                     .message = path.text() + ": unknown type \"" + name.substr(0, 80) + "\"",
                     .hint = base::did_you_mean(name, type_names(static_cast<const V*>(nullptr)))};
}

template <class T>
base::Result<void> read(const base::Json& json, T& value, const Path& path) {
  if constexpr (std::is_same_v<T, std::string>) {
    if (!json.is_string()) return wrong(path, "a string", json);
    value = json.get_ref<const std::string&>();
    return {};
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!json.is_boolean()) return wrong(path, "true or false", json);
    value = json.get<bool>();
    return {};
  } else if constexpr (std::is_integral_v<T>) {
    if (!json.is_number_integer()) return wrong(path, "a whole number", json);
    if (json.is_number_unsigned() &&
        json.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
      return wrong(path, "a number that fits 63 bits", json);
    }
    value = json.get<T>();
    return {};
  } else if constexpr (std::is_same_v<T, base::Json>) {
    value = json;
    return {};
  } else if constexpr (NamedEnum<T>) {
    return read_enum(json, value, path);
  } else if constexpr (is_optional<T>::value) {
    if (json.is_null()) {
      value.reset();
      return {};
    }
    value.emplace();
    return read(json, *value, path);
  } else if constexpr (is_vector<T>::value) {
    if (!json.is_array()) return wrong(path, "a list", json);
    value.clear();
    value.reserve(json.size());
    for (std::size_t i = 0; i < json.size(); ++i) {
      const Path here{&path, {}, i};
      TRY_OK(read(json[i], value.emplace_back(), here));
    }
    return {};
  } else if constexpr (is_pair<T>::value) {
    if (!json.is_array() || json.size() != 2) return wrong(path, "a list of two", json);
    TRY_OK(read(json[0], value.first, Path{&path, {}, 0}));
    return read(json[1], value.second, Path{&path, {}, 1});
  } else if constexpr (is_string_map<T>::value) {
    if (!json.is_object()) return wrong(path, "an object", json);
    value.clear();
    for (const auto& [name, element] : json.items()) TRY_OK(read(element, value[name], Path{&path, name}));
    return {};
  } else if constexpr (Union<T>) {
    return read_union(json, value, path, base::codes::kUnsupported);
  } else {
    static_assert(Struct<T>);
    return read_members(json, value, path);
  }
}

}  // namespace lathe::protocol::codec
