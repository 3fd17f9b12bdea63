#include "lathe/testing/model_server/routes.h"

#include <algorithm>
#include <array>

namespace lathe::testing {

namespace {

using base::Json;

constexpr std::string_view kControl = "/_control/";

Response document(const Json& json, int status = 200) {
  Response response{.status = status};
  response.body = {{.bytes = base::dump_json(json)}};
  return response;
}

std::vector<std::pair<std::string, std::string>> without_secrets(const IncomingRequest& request) {
  static constexpr std::array<std::string_view, 4> kSecrets{"authorization", "x-api-key", "api-key", "cookie"};
  auto headers = request.headers;
  for (auto& [name, value] : headers) {
    if (std::ranges::find(kSecrets, name) != kSecrets.end()) value = "***";
  }
  return headers;
}

Json openai_model(const ScriptedModel& model) {
  return {{"id", model.id}, {"object", "model"}, {"created", 1'795'000'000}, {"owned_by", "scripted"}};
}

Json anthropic_model(const ScriptedModel& model) {
  return {{"type", "model"}, {"id", model.id}, {"display_name", model.id}, {"created_at", "2026-01-01T00:00:00Z"}};
}

Json ollama_model(const ScriptedModel& model) {
  return {
      {"name", model.id},
      {"model", model.id},
      {"modified_at", "2026-01-01T00:00:00Z"},
      {"size", 1'000'000'000},
      {"digest", std::string(64, '0')},
      {"details", {{"format", "gguf"}, {"family", "mock"}, {"parameter_size", "1B"}, {"quantization_level", "Q4_0"}}}};
}

Response list_models(const Director& director, bool anthropic) {
  Json data = Json::array();
  for (const ScriptedModel& model : director.models()) {
    data.push_back(anthropic ? anthropic_model(model) : openai_model(model));
  }
  if (!anthropic) return document({{"object", "list"}, {"data", std::move(data)}});
  return document({{"data", std::move(data)},
                   {"has_more", false},
                   {"first_id", director.models().empty() ? "" : director.models().front().id},
                   {"last_id", director.models().empty() ? "" : director.models().back().id}});
}

const ScriptedModel* find_model(const Director& director, std::string_view id) {
  const auto found = std::ranges::find(director.models(), id, &ScriptedModel::id);
  return found == director.models().end() ? nullptr : &*found;
}

Response not_found(Wire wire, const std::string& what) {
  Response response{.status = 404};
  response.body = {{.bytes = error_body(wire, 404, what, "")}};
  return response;
}

Response ollama_list(const Director& director) {
  Json models = Json::array();
  for (const ScriptedModel& model : director.models()) models.push_back(ollama_model(model));
  return document({{"models", std::move(models)}});
}

Response ollama_show(const Director& director, const IncomingRequest& request) {
  const auto body = base::parse_json(request.body);
  const Json asked = body.ok() ? *body : Json::object();
  const std::string id = base::json_string(asked, "model", base::json_string(asked, "name"));
  const ScriptedModel* model = find_model(director, id);
  if (model == nullptr) return not_found(Wire::kOllama, "model '" + id + "' not found");
  return document({{"modelfile", ""},
                   {"parameters", "num_ctx " + std::to_string(model->context_window)},
                   {"template", "{{ .Prompt }}"},
                   {"details", ollama_model(*model)["details"]},
                   {"model_info", {{"general.architecture", "mock"}, {"mock.context_length", model->context_window}}},
                   {"capabilities", {"completion", "tools", "thinking"}}});
}

Response control(Director& director, const IncomingRequest& request, std::size_t connections) {
  const std::string_view what = std::string_view(request.path).substr(kControl.size());
  constexpr std::string_view kRelease = "release/";
  if (request.method == "POST" && what.starts_with(kRelease)) {
    director.release(what.substr(kRelease.size()));
    return document(Json::object());
  }
  if (request.method == "POST" && what == "answers") {
    const auto json = base::parse_json(request.body);
    auto answer = json.ok() ? parse_answer(*json) : json.error();
    if (!answer.ok()) return document({{"error", answer.error().text()}}, 400);
    director.add(*std::move(answer));
    return document(Json::object());
  }
  if (what == "requests") {
    Json list = Json::array();
    for (const RecordedRequest& recorded : director.requests()) list.push_back(to_json(recorded));
    return document(list);
  }
  if (what == "violations") return document(director.violations());
  if (what == "prefix_breaks") return document(director.prefix_breaks());
  if (what == "gates") return document(director.waiting_gates());
  if (what == "stats") return document({{"requests", director.requests().size()}, {"connections", connections}});
  return document({{"error", "no such control: " + request.path}}, 404);
}

Response model_request(Director& director, const IncomingRequest& request, Wire wire) {
  auto body = base::parse_json(request.body, {.max_bytes = 256U << 20});
  if (!body.ok() || !body->is_object()) {
    Response response{.status = 400};
    response.body = {{.bytes = error_body(wire, 400, "the body is not a JSON object", "")}};
    return response;
  }
  return director.answer(
      {.wire = {}, .path = request.path, .headers = without_secrets(request), .body = *std::move(body)}, wire);
}

}  // namespace

std::string_view IncomingRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

Response route(Director& director, const IncomingRequest& request, std::size_t connections) {
  const std::string& path = request.path;
  if (path.starts_with(kControl)) return control(director, request, connections);
  if (request.method == "POST") {
    if (const auto wire = wire_of_path(path)) return model_request(director, request, *wire);
    if (path.ends_with("/count_tokens")) return document({{"input_tokens", 10}});
    if (path == "/api/show") return ollama_show(director, request);
  }
  if (request.method == "GET" || request.method == "HEAD") {
    const bool anthropic = !request.header("anthropic-version").empty();
    if (path.ends_with("/models")) return list_models(director, anthropic);
    if (const std::size_t at = path.rfind("/models/"); at != std::string::npos) {
      const std::string id = path.substr(at + 8);
      const ScriptedModel* model = find_model(director, id);
      if (model == nullptr)
        return not_found(anthropic ? Wire::kAnthropic : Wire::kOpenaiChat, "model " + id + " not found");
      return document(anthropic ? anthropic_model(*model) : openai_model(*model));
    }
    if (path == "/api/tags" || path == "/api/ps") return ollama_list(director);
    if (path == "/api/version") return document({{"version", "0.12.0"}});
    if (path == "/") return document(Json::object());
  }
  return not_found(Wire::kOpenaiChat, "no such path: " + request.method + " " + path);
}

}  // namespace lathe::testing
