#include "lathe/protocol/describe.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <ranges>
#include <type_traits>
#include <typeindex>
#include <utility>
#include <variant>

#include "lathe/protocol/calls.h"
#include "lathe/protocol/codec.h"
#include "lathe/protocol/events.h"
#include "lathe/protocol/http_payloads.h"
#include "lathe/protocol/ops.h"

namespace lathe::protocol {
namespace {

/// The name of a union, and what ends the names of its members.
struct UnionName {
  std::string_view name;
  std::string_view suffix;
};
constexpr UnionName name_of_union(std::type_identity<Op>) { return {"Op", "Op"}; }
constexpr UnionName name_of_union(std::type_identity<EventMsg>) { return {"EventMsg", "Event"}; }
constexpr UnionName name_of_union(std::type_identity<Call>) { return {"Call", "Call"}; }
constexpr UnionName name_of_union(std::type_identity<ReplyMsg>) { return {"Reply", "Reply"}; }
constexpr UnionName name_of_union(std::type_identity<ContentPart>) { return {"ContentPart", "Part"}; }

/// The C++ name without its namespaces, from what Clang says of this function: "… [T = lathe::protocol::Usage]".
template <class T>
std::string plain_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_suffix(1);
  return std::string(text.substr(text.find_last_of(": ") + 1));
}

/// "user_input" -> "UserInput"
std::string pascal(std::string_view name) {
  std::string out;
  bool upper = true;
  for (const char c : name) {
    if (c == '_') {
      upper = true;
    } else {
      out += std::exchange(upper, false) && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return out;
}

class Describer final {
 public:
  template <class T>
  const TypeInfo* type() {
    const auto [found, is_new] = known_.try_emplace(std::type_index(typeid(T)), nullptr);
    if (!is_new) return found->second;
    TypeInfo& info = types_.emplace_back();
    found->second = &info;
    fill<T>(info);
    return &info;
  }

  /// The members of Call get their replies.
  template <class... C>
  void link_replies(const std::variant<C...>*) {
    (link_reply<C>(), ...);
  }

  template <class... P>
  void add(std::type_identity<std::tuple<P...>>) {
    (type<P>(), ...);
  }

  /// Those that were described since there were `first`.
  [[nodiscard]] std::vector<const TypeInfo*> shared(std::size_t first = 0) const {
    std::vector<const TypeInfo*> out;
    for (const TypeInfo& info : types_ | std::views::drop(first)) {
      const bool inner = info.name == "ContentPart" || info.name.ends_with("Part");
      if (!info.name.empty() && (info.tag.empty() || inner) && !is_root(info)) out.push_back(&info);
    }
    std::ranges::sort(out, {}, &TypeInfo::name);
    return out;
  }
  [[nodiscard]] std::size_t size() const { return types_.size(); }

 private:
  [[nodiscard]] static bool is_root(const TypeInfo& info) {
    return info.name == "Op" || info.name == "EventMsg" || info.name == "Call" || info.name == "Reply";
  }

  template <class C>
  void link_reply() {
    type<C>();
    known_.at(std::type_index(typeid(C)))->reply = type<typename C::Reply>();
  }

  template <class T>
  void fill(TypeInfo& info) {
    using Kind = TypeInfo::Kind;
    if constexpr (std::is_same_v<T, std::string>) {
      info.kind = Kind::kString;
    } else if constexpr (std::is_same_v<T, bool>) {
      info.kind = Kind::kBoolean;
    } else if constexpr (std::is_integral_v<T>) {
      info.kind = Kind::kInteger;
    } else if constexpr (std::is_floating_point_v<T>) {
      info.kind = Kind::kNumber;
    } else if constexpr (std::is_same_v<T, base::Json> || codec::is_string_map<T>::value) {
      info.kind = Kind::kOpaque;
    } else if constexpr (NamedEnum<T>) {
      fill_enum<T>(info);
    } else if constexpr (codec::is_vector<T>::value) {
      info.kind = Kind::kList;
      info.element = type<typename T::value_type>();
    } else if constexpr (codec::Union<T>) {
      fill_union<T>(info, static_cast<const T*>(nullptr));
    } else {
      fill_struct<T>(info);
    }
  }

  template <class E>
  void fill_enum(TypeInfo& info) {
    info.kind = TypeInfo::Kind::kEnum;
    info.name = plain_name<E>();
    for (const auto& entry : enum_names(E{})) {
      const std::string_view canonical = name_of(entry.value);
      if (entry.name == canonical) {
        info.values.push_back({.name = canonical, .aliases = {}});
      } else {
        std::ranges::find(info.values, canonical, &EnumValue::name)->aliases.push_back(entry.name);
      }
    }
  }

  template <class U, class... M>
  void fill_union(TypeInfo& info, const std::variant<M...>*) {
    constexpr UnionName kName = name_of_union(std::type_identity<U>{});
    info.kind = TypeInfo::Kind::kUnion;
    info.name = kName.name;
    const auto one = [&]<class Member>(std::type_identity<Member>) {
      info.members.push_back(type<Member>());
      TypeInfo& member = *known_.at(std::type_index(typeid(Member)));
      member.name = pascal(Member::kType) + std::string(kName.suffix);
      member.tag = Member::kType;
    };
    (one(std::type_identity<M>{}), ...);
  }

  template <Struct S>
  void fill_struct(TypeInfo& info) {
    info.kind = TypeInfo::Kind::kStruct;
    info.name = plain_name<S>();
    info.doc = S::kDoc;
    info.passing = requires { S::kPassing; };
    const S defaults{};
    std::apply([&](const auto&... field) { (info.fields.push_back(describe_field(field, defaults)), ...); },
               S::fields());
  }

  template <class S, class T>
  FieldInfo describe_field(const Field<S, T>& field, const S& defaults) {
    FieldInfo info{.name = field.name, .doc = field.doc, .required = field.presence == Presence::kRequired};
    if constexpr (codec::is_optional<T>::value) {
      info.type = type<typename T::value_type>();
    } else {
      info.type = type<T>();
      constexpr bool kPlain = std::is_integral_v<T> || NamedEnum<T>;
      const T& value = defaults.*(field.member);
      bool tell = kPlain;
      if constexpr (std::is_same_v<T, std::string>) tell = !value.empty();
      if (tell && !info.required) {
        std::string text;
        codec::write(text, value);
        info.fallback = base::Json::parse(text);
      }
    }
    return info;
  }

  std::deque<TypeInfo> types_;
  std::map<std::type_index, TypeInfo*> known_;
};

}  // namespace

const Description& describe() {
  static Describer describer;
  static const Description kDescription = [] {
    Description description;
    description.op = describer.type<Op>();
    description.event = describer.type<EventMsg>();
    description.call = describer.type<Call>();
    description.reply = describer.type<ReplyMsg>();
    describer.link_replies(static_cast<const Call*>(nullptr));
    description.shared = describer.shared();
    const std::size_t protocols_own = describer.size();
    describer.add(std::type_identity<HttpPayloads>());
    description.payloads = describer.shared(protocols_own);
    return description;
  }();
  return kDescription;
}

}  // namespace lathe::protocol
