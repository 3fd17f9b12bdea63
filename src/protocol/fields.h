#pragma once

#include <string_view>
#include <type_traits>

// A message is declared once: a struct whose fields() lists its members with wire name and meaning.
//
//   struct Ping {
//     static constexpr std::string_view kType = "ping";          // only for members of a union
//     static constexpr std::string_view kDoc = "Asks for a pong.";
//     std::string text;
//     static constexpr auto fields() { return std::tuple{required("text", &Ping::text, "what to echo")}; }
//     friend bool operator==(const Ping&, const Ping&) = default;
//   };
//
// An enum is declared with a function found by argument-dependent lookup:
//
//   constexpr auto enum_names(Mood) { return std::array{EnumName{Mood::kGood, "good"}}; }
//
// The first name of a value is written; later ones are aliases that are accepted when read.

namespace lathe::protocol {

enum class Presence {
  /// Always written; reading fails without it.
  kRequired,
  /// Left out when it equals the default that its struct gives it; reading without it gives that default.
  kOptional,
};

template <class Owner, class T>
struct Field {
  std::string_view name;
  T Owner::* member;
  std::string_view doc;
  Presence presence;
};

template <class Owner, class T>
constexpr Field<Owner, T> required(std::string_view name, T Owner::* member, std::string_view doc) {
  return {name, member, doc, Presence::kRequired};
}
template <class Owner, class T>
constexpr Field<Owner, T> optional(std::string_view name, T Owner::* member, std::string_view doc) {
  return {name, member, doc, Presence::kOptional};
}

template <class E>
struct EnumName {
  E value;
  std::string_view name;
};
template <class E>
EnumName(E, const char*) -> EnumName<E>;

template <class T>
concept Struct = requires { T::fields(); };
template <class T>
concept NamedEnum = std::is_enum_v<T> && requires(T value) { enum_names(value); };

/// The canonical wire name of an enum value.
template <NamedEnum E>
constexpr std::string_view name_of(E value) {
  for (const auto& entry : enum_names(value)) {
    if (entry.value == value) return entry.name;
  }
  return "";
}

}  // namespace lathe::protocol
