#include "lathe/apps/cassette_facts.h"

namespace lathe::apps {

using base::Result;
using runtime::Async;

namespace {
constexpr std::string_view kValueName = "environment";
}

CassetteFacts::CassetteFacts(std::unique_ptr<ports::ProjectFacts> real, CassetteDeck& cassette)
    : real_(std::move(real)), cassette_(cassette) {}

Async<Result<ports::EnvironmentFacts>> CassetteFacts::environment(std::string cwd) {
  CO_TRY(ports::EnvironmentFacts facts, co_await real_->environment(std::move(cwd)));
  if (providers::cassette::Tape* tape = cassette_.tape()) {
    CO_TRY(const base::Json recorded, tape->take_value(kValueName));
    facts.os = base::json_string(recorded, "os");
    facts.date = base::json_string(recorded, "date");
    facts.shell = base::json_string(recorded, "shell");
    facts.git_branch = base::json_string(recorded, "git_branch");
  }
  if (providers::cassette::TapeWriter* writer = cassette_.writer()) {
    const base::Json value{
        {"os", facts.os}, {"date", facts.date}, {"shell", facts.shell}, {"git_branch", facts.git_branch}};
    CO_TRY_OK(writer->append_value(kValueName, value));
  }
  co_return facts;
}

Async<Result<ports::ProjectDocs>> CassetteFacts::docs(std::string cwd, std::size_t max_bytes) {
  return real_->docs(std::move(cwd), max_bytes);
}

}  // namespace lathe::apps
