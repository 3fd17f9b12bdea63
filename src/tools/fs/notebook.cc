#include "lathe/tools/fs/notebook.h"

#include <fmt/format.h>

#include "lathe/base/json.h"

namespace lathe::tools::fs {

using base::Json;

namespace {

/// A text, or a list of its lines.
std::string joined(const Json& text) {
  if (text.is_string()) return text.get<std::string>();
  std::string out;
  if (!text.is_array()) return out;
  for (const Json& line : text) {
    if (line.is_string()) out += line.get_ref<const std::string&>();
  }
  return out;
}

void add_block(std::string& out, const std::string& text) {
  out += text;
  if (!text.empty() && !text.ends_with('\n')) out += '\n';
}

void add_output(std::string& out, const Json& output) {
  std::string text = joined(base::json_at(output, "text"));
  if (text.empty()) text = joined(base::json_at(base::json_at(output, "data"), "text/plain"));
  if (base::json_string(output, "output_type") == "error") {
    text = fmt::format("{}: {}", base::json_string(output, "ename"), base::json_string(output, "evalue"));
  }
  if (text.empty()) return;
  out += "[output]\n";
  add_block(out, text);
}

}  // namespace

std::optional<std::string> notebook_text(std::string_view bytes) {
  const auto notebook = base::parse_json(bytes);
  if (!notebook.ok()) return std::nullopt;
  const Json& cells = base::json_at(*notebook, "cells");
  if (!cells.is_array()) return std::nullopt;
  std::string out;
  std::size_t number = 0;
  for (const Json& cell : cells) {
    out += fmt::format("[cell {}: {}]\n", ++number, base::json_string(cell, "cell_type", "unknown"));
    add_block(out, joined(base::json_at(cell, "source")));
    const Json& outputs = base::json_at(cell, "outputs");
    if (!outputs.is_array()) continue;
    for (const Json& output : outputs) add_output(out, output);
  }
  return out;
}

}  // namespace lathe::tools::fs
