#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/templates/template.h"

// What the tests of this room share: a template rendered over values that are written as JSON.

namespace lathe::templates {

/// 2026-07-04 15:08:09 UTC, a Saturday.
inline constexpr std::int64_t kTestNow = 1'783'177'689;

inline Scope scope_of(std::string_view values, Scope::Missing missing = Scope::Missing::kAsWritten) {
  Scope scope;
  auto json = base::parse_json(values);
  scope.values = json.ok() ? *std::move(json) : base::Json("the values of the test are no JSON");
  scope.missing = missing;
  scope.now_seconds = kTestNow;
  return scope;
}

/// The faults of a text, each as "offset: message".
inline std::vector<std::string> faults_of(std::string_view text, Syntax syntax = Syntax::kBraces) {
  std::vector<Fault> faults;
  (void)Template::parse(text, syntax, faults);
  std::vector<std::string> out;
  for (const Fault& fault : faults) out.push_back(std::to_string(fault.at) + ": " + fault.message);
  return out;
}

/// The text of a template, or "fault: …" with the first one, or "error: …".
inline std::string rendered(std::string_view text, const Scope& scope, Syntax syntax = Syntax::kBraces) {
  std::vector<Fault> faults;
  const Template parsed = Template::parse(text, syntax, faults);
  if (!faults.empty()) return "fault: " + std::to_string(faults[0].at) + ": " + faults[0].message;
  auto result = parsed.render(scope);
  return result.ok() ? *std::move(result) : "error: " + result.error().message;
}

inline std::string rendered(std::string_view text, std::string_view values) { return rendered(text, scope_of(values)); }

/// A row of a table: a template, what it gives over the values that the table names.
struct Rendering {
  std::string_view text;
  std::string_view expected;
};

inline void expect_rendered(std::string_view values, std::initializer_list<Rendering> rows) {
  const Scope scope = scope_of(values);
  for (const Rendering& row : rows) EXPECT_EQ(rendered(row.text, scope), row.expected) << row.text;
}

}  // namespace lathe::templates
