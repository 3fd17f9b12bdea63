#include "lathe/agent/json_schema.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

namespace lathe::agent {
namespace {

using base::Json;

constexpr std::size_t kMaxProblems = 10;
constexpr int kMaxDepth = 100;
/// Schemas that refer to themselves may branch without end; past this many checks the rest counts as fulfilled.
constexpr std::size_t kMaxChecks = 100'000;

std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool is_whole(const Json& value) {
  if (value.is_number_integer()) return true;
  if (!value.is_number_float()) return false;
  const auto number = value.get<double>();
  return number == std::trunc(number);
}

bool has_type(const Json& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number();
  if (type == "integer") return is_whole(value);
  return true;
}

/// "a string", "an object or null"
std::string type_words(const Json& type) {
  const auto word = [](const std::string& name) {
    if (name == "null") return name;
    const bool vowel = name == "object" || name == "array" || name == "integer";
    return (vowel ? "an " : "a ") + name;
  };
  if (type.is_string()) return word(type.get<std::string>());
  std::string words;
  for (const Json& one : type) {
    if (!one.is_string()) continue;
    if (!words.empty()) words += " or ";
    words += word(one.get<std::string>());
  }
  return words;
}

class Checker final {
 public:
  Checker(const Json& root, std::size_t& checks) : root_(root), checks_(checks) {}

  void check(const Json& schema, const Json& value, const std::string& path, int depth) {
    if (full() || depth > kMaxDepth || ++checks_ > kMaxChecks) return;
    if (schema.is_boolean()) {
      if (!schema.get<bool>()) report(path, "is not allowed");
      return;
    }
    if (!schema.is_object()) return;
    if (const Json& ref = base::json_at(schema, "$ref"); ref.is_string()) {
      check(resolve(ref.get<std::string>()), value, path, depth + 1);
    }
    if (!check_type(schema, value, path)) return;
    check_choice(schema, value, path);
    check_number(schema, value, path);
    check_string(schema, value, path);
    check_array(schema, value, path, depth);
    check_object(schema, value, path, depth);
    check_combined(schema, value, path, depth);
  }

  std::vector<std::string> take() { return std::move(problems_); }

 private:
  bool full() const { return problems_.size() >= kMaxProblems; }
  void report(const std::string& path, const std::string& what) {
    if (!full()) problems_.push_back((path.empty() ? std::string("the answer") : path) + ": " + what);
  }

  const Json& resolve(const std::string& ref) const {
    static const Json kAnything = true;
    if (!ref.starts_with('#')) return kAnything;
    try {
      return root_.at(Json::json_pointer(ref.substr(1)));
    } catch (const Json::exception&) {
      return kAnything;
    }
  }

  bool check_type(const Json& schema, const Json& value, const std::string& path) {
    const Json& type = base::json_at(schema, "type");
    bool fits = true;
    if (type.is_string()) fits = has_type(value, type.get<std::string>());
    if (type.is_array()) {
      fits = std::any_of(type.begin(), type.end(),
                         [&](const Json& one) { return one.is_string() && has_type(value, one.get<std::string>()); });
    }
    if (!fits) report(path, "must be " + type_words(type));
    return fits;
  }

  void check_choice(const Json& schema, const Json& value, const std::string& path) {
    const Json& choices = base::json_at(schema, "enum");
    if (choices.is_array() && std::find(choices.begin(), choices.end(), value) == choices.end()) {
      report(path, "must be one of " + base::dump_json(choices));
    }
    const auto constant = schema.find("const");
    if (constant != schema.end() && *constant != value) report(path, "must be " + base::dump_json(*constant));
  }

  void check_number(const Json& schema, const Json& value, const std::string& path) {
    if (!value.is_number()) return;
    const auto number = value.get<double>();
    const auto bound = [&](const char* name, const char* words, auto holds) {
      const Json& limit = base::json_at(schema, name);
      if (limit.is_number() && !holds(number, limit.get<double>())) report(path, words + base::dump_json(limit));
    };
    bound("minimum", "must be at least ", [](double n, double l) { return n >= l; });
    bound("maximum", "must be at most ", [](double n, double l) { return n <= l; });
    bound("exclusiveMinimum", "must be more than ", [](double n, double l) { return n > l; });
    bound("exclusiveMaximum", "must be less than ", [](double n, double l) { return n < l; });
  }

  void check_size(const Json& schema, const char* least, const char* most, std::size_t size, const std::string& path,
                  const std::string& unit) {
    const Json& low = base::json_at(schema, least);
    const Json& high = base::json_at(schema, most);
    if (low.is_number() && static_cast<double>(size) < low.get<double>()) {
      report(path, "must have at least " + base::dump_json(low) + " " + unit);
    }
    if (high.is_number() && static_cast<double>(size) > high.get<double>()) {
      report(path, "must have at most " + base::dump_json(high) + " " + unit);
    }
  }

  void check_string(const Json& schema, const Json& value, const std::string& path) {
    if (!value.is_string()) return;
    check_size(schema, "minLength", "maxLength", characters(value.get_ref<const std::string&>()), path, "characters");
  }

  void check_array(const Json& schema, const Json& value, const std::string& path, int depth) {
    if (!value.is_array()) return;
    check_size(schema, "minItems", "maxItems", value.size(), path, "items");
    const auto items = schema.find("items");
    if (items == schema.end()) return;
    for (std::size_t i = 0; i < value.size(); ++i) {
      check(*items, value[i], path + "/" + std::to_string(i), depth + 1);
    }
  }

  void check_object(const Json& schema, const Json& value, const std::string& path, int depth) {
    if (!value.is_object()) return;
    const Json& properties = base::json_at(schema, "properties");
    for (const Json& name : base::json_at(schema, "required")) {
      if (name.is_string() && !value.contains(name.get<std::string>())) {
        report(path, "must have \"" + name.get<std::string>() + "\"");
      }
    }
    const auto others = schema.find("additionalProperties");
    for (const auto& [name, member] : value.items()) {
      const std::string member_path = path + "/" + name;
      if (properties.is_object() && properties.contains(name)) {
        check(properties.at(name), member, member_path, depth + 1);
      } else if (others != schema.end()) {
        check(*others, member, member_path, depth + 1);
      }
    }
  }

  bool fits(const Json& schema, const Json& value, int depth) const {
    Checker inner(root_, checks_);
    inner.check(schema, value, "", depth);
    return inner.problems_.empty();
  }

  void check_combined(const Json& schema, const Json& value, const std::string& path, int depth) {
    for (const Json& part : base::json_at(schema, "allOf")) check(part, value, path, depth + 1);
    const auto matches = [&](const Json& parts) {
      return std::count_if(parts.begin(), parts.end(), [&](const Json& part) { return fits(part, value, depth + 1); });
    };
    const Json& any = base::json_at(schema, "anyOf");
    if (any.is_array() && matches(any) == 0) report(path, "fits none of the forms allowed (anyOf)");
    const Json& one = base::json_at(schema, "oneOf");
    if (one.is_array() && matches(one) != 1) report(path, "must fit exactly one of the forms allowed (oneOf)");
  }

  const Json& root_;
  std::size_t& checks_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> schema_problems(const Json& schema, const Json& value) {
  std::size_t checks = 0;
  Checker checker(schema, checks);
  checker.check(schema, value, "", 0);
  return checker.take();
}

}  // namespace lathe::agent
