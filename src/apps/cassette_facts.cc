#include "lathe/apps/cassette_facts.h"

namespace lathe::apps {

using base::Result;
using runtime::Async;

namespace {

constexpr std::string_view kEnvironment = "environment";
constexpr std::string_view kDocs = "docs";

base::Json to_json(const ports::EnvironmentFacts& facts) {
  return {{"os", facts.os},       {"date", facts.date},
          {"shell", facts.shell}, {"git_branch", facts.git_branch},
          {"cwd", facts.cwd},     {"repository_root", facts.repository_root}};
}

base::Json to_json(const ports::ProjectDocs& docs) {
  base::Json files = base::Json::array();
  for (const ports::ProjectDoc& doc : docs.files) {
    files.push_back({{"path", doc.path}, {"text", doc.text}, {"truncated", doc.truncated}});
  }
  return {{"files", files}, {"problems", docs.problems}};
}

ports::ProjectDocs docs_from_json(const base::Json& recorded) {
  ports::ProjectDocs docs;
  for (const base::Json& doc : base::json_at(recorded, "files")) {
    docs.files.push_back({.path = base::json_string(doc, "path"),
                          .text = base::json_string(doc, "text"),
                          .truncated = base::json_at(doc, "truncated") == true});
  }
  for (const base::Json& problem : base::json_at(recorded, "problems")) docs.problems.push_back(problem);
  return docs;
}

}  // namespace

CassetteFacts::CassetteFacts(std::unique_ptr<ports::ProjectFacts> real, CassetteDeck& cassette)
    : real_(std::move(real)), cassette_(cassette) {}

Async<Result<ports::EnvironmentFacts>> CassetteFacts::environment(std::string cwd) {
  CO_TRY(ports::EnvironmentFacts facts, co_await real_->environment(std::move(cwd)));
  if (providers::cassette::Tape* tape = cassette_.tape()) {
    CO_TRY(const base::Json recorded, tape->take_value(kEnvironment));
    facts.os = base::json_string(recorded, "os");
    facts.date = base::json_string(recorded, "date");
    facts.shell = base::json_string(recorded, "shell");
    facts.git_branch = base::json_string(recorded, "git_branch");
    if (cassette_.whole_tape() != nullptr) {
      facts.cwd = base::json_string(recorded, "cwd", facts.cwd);
      facts.repository_root = base::json_string(recorded, "repository_root", facts.repository_root);
    }
  }
  if (providers::cassette::TapeWriter* writer = cassette_.writer()) {
    CO_TRY_OK(writer->append_value(kEnvironment, to_json(facts)));
  }
  co_return facts;
}

Async<Result<ports::ProjectDocs>> CassetteFacts::docs(std::string cwd, std::size_t max_bytes) {
  if (providers::cassette::Tape* tape = cassette_.whole_tape()) {
    CO_TRY(const base::Json recorded, tape->take_value(kDocs));
    co_return docs_from_json(recorded);
  }
  auto docs = co_await real_->docs(std::move(cwd), max_bytes);
  providers::cassette::TapeWriter* writer = cassette_.writer();
  if (writer != nullptr && docs.ok()) CO_TRY_OK(writer->append_value(kDocs, to_json(*docs)));
  co_return docs;
}

}  // namespace lathe::apps
