#include "lathe/tools/web/web_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "lathe/egress/fake_resolver_for_test.h"
#include "lathe/fakes/text_sink.h"
#include "lathe/net/loopback_server_for_test.h"

// The tools against a server on the loopback, which the rules name by its address.

namespace lathe::tools::web {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

using Sink = fakes::TextSink;

std::string reply(std::string_view status, std::string_view headers, std::string_view body) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

class WebToolsTest : public testing::Test {
 protected:
  std::string serve(const std::string& request) {
    const std::string path = request.substr(request.find(' ') + 1, request.find(" HTTP") - request.find(' ') - 1);
    if (path == "/page") {
      return reply("200 OK", "Content-Type: text/html; charset=utf-8\r\n",
                   "<title>T</title><p>Hello <a href='next'>next</a></p>");
    }
    if (path == "/to-page") return reply("302 Found", "Location: /page\r\n", "");
    if (path == "/to-loop") return reply("302 Found", "Location: /to-loop\r\n", "");
    if (path == "/to-named") return reply("301 Moved", "Location: http://named.example:" + port() + "/echo\r\n", "");
    if (path == "/to-other") return reply("307 Moved", "Location: http://other.example/x\r\n", "");
    if (path == "/to-metadata") return reply("302 Found", "Location: http://169.254.169.254/latest\r\n", "");
    if (path == "/big") return reply("200 OK", "Content-Type: text/plain\r\n", std::string(5000, 'x'));
    if (path == "/binary") return reply("200 OK", "Content-Type: image/png\r\n", std::string("\x89PNG\0\0", 6));
    if (path == "/latin") return reply("200 OK", "Content-Type: text/plain; charset=ISO-8859-1\r\n", "caf\xe9");
    if (path == "/busy") return busy_.fetch_add(1) < 2 ? reply("503 Busy", "", "") : reply("200 OK", "", "at last");
    if (path == "/missing") return reply("404 Not Found", "", "nothing here");
    return reply("200 OK", "X-Own: yes\r\n", request);
  }
  [[nodiscard]] std::string port() const { return server_.url().substr(server_.url().rfind(':') + 1); }
  [[nodiscard]] std::string url(const std::string& path) const { return "http://site.example:" + port() + path; }

  /// Header and output of a call, or the error.
  std::string use(const std::string& name, base::Json arguments) {
    WebClient client({.loop = loop_,
                      .http = http_,
                      .resolver = resolver_,
                      .rules = *egress::HostRules::parse(std::vector<std::string>{"127.0.0.1", "named.example"}),
                      .limits = limits_});
    for (const auto& tool : make_web_tools(client)) {
      if (tool->spec().name != name) continue;
      const protocol::ToolCall call{"c", name, arguments.dump()};
      auto prepared = loop_.block_on(tool->prepare(call, environment_));
      if (!prepared.ok()) return prepared.error().message;
      action_ = (*prepared)->action();
      Sink out;
      const auto result = loop_.block_on((*prepared)->run(out, runtime::CancelToken()));
      return result.ok() ? result->header + "\n" + out.text : result.error().message;
    }
    return "there is no " + name;
  }

  std::atomic<int> busy_ = 0;
  net::LoopbackServer server_{[this](net::ServerConnection& connection) {
    for (std::string request; !(request = connection.read_request()).empty();) connection.write(serve(request));
  }};
  runtime::Loop loop_;
  net::HttpClient http_{loop_};
  egress::FakeResolver resolver_ = [] {
    egress::FakeResolver resolver;
    resolver.addresses = {{"site.example", {"127.0.0.1"}},
                          {"named.example", {"127.0.0.1"}},
                          {"inside.example", {"10.0.0.1"}},
                          {"mixed.example", {"93.184.216.34", "127.0.0.2"}}};
    return resolver;
  }();
  WebLimits limits_{.first_pause = std::chrono::milliseconds(1)};
  ports::ToolEnvironment environment_;
  ports::Action action_;
};

TEST_F(WebToolsTest, FetchGivesReadableText) {
  EXPECT_EQ(use("web_fetch", {{"url", url("/page")}}),
            "HTTP status 200 from " + url("/page") + "\nTitle: T\n\nHello next (" + url("/next") + ")\n");
  EXPECT_EQ(action_.kind, ports::Action::Kind::kNetwork);
  EXPECT_THAT(action_.hosts, ElementsAre("site.example"));
  EXPECT_THAT(use("web_fetch", {{"url", url("/latin")}}), EndsWith("café\n"));
  EXPECT_THAT(use("web_fetch", {{"url", url("/binary")}}), HasSubstr("6 B of binary data, image/png"));
  EXPECT_THAT(use("web_fetch", {{"url", url("/missing")}}), AllOf(HasSubstr("status 404"), HasSubstr("nothing here")));
}

TEST_F(WebToolsTest, RedirectsAreCheckedHopByHop) {
  EXPECT_THAT(use("web_fetch", {{"url", url("/to-page")}}), StartsWith("HTTP status 200 from " + url("/page")));
  EXPECT_THAT(resolver_.asked, ElementsAre("site.example", "site.example")) << "each hop anew";
  EXPECT_THAT(use("web_get", {{"url", url("/to-loop")}}), HasSubstr("redirects more than 5 times"));
  resolver_.asked.clear();
  EXPECT_THAT(use("web_fetch", {{"url", url("/to-other")}}), HasSubstr("has moved to http://other.example/x\n"));
  EXPECT_THAT(use("web_fetch", {{"url", url("/to-metadata")}}),
              HasSubstr("has moved to http://169.254.169.254/latest"));
  EXPECT_THAT(resolver_.asked, Not(testing::Contains("other.example"))) << "not even looked up";
}

TEST_F(WebToolsTest, WhatIsMeantForOneServerIsNotSentToAnother) {
  const base::Json arguments = {{"url", url("/to-named")}, {"headers", {{"Authorization", "key"}, {"X-Mine", "1"}}}};
  const std::string answer = use("web_get", arguments);
  EXPECT_THAT(answer, HasSubstr("Host: named.example"));
  EXPECT_THAT(answer, AllOf(Not(HasSubstr("Authorization")), Not(HasSubstr("X-Mine"))));
}

TEST_F(WebToolsTest, PrivateAddressesAreRefused) {
  EXPECT_EQ(use("web_get", {{"url", "http://inside.example/"}}), "inside.example leads to 10.0.0.1, a private address");
  EXPECT_THAT(use("web_post", {{"url", "http://mixed.example/"}}), HasSubstr("127.0.0.2, an address of this machine"));
  EXPECT_THAT(use("web_fetch", {{"url", "http://169.254.169.254/"}}), HasSubstr("metadata address"));
  EXPECT_THAT(use("web_fetch", {{"url", "http://[::1]:" + port() + "/"}}), HasSubstr("an address of this machine"));
  EXPECT_THAT(use("web_fetch", {{"url", "http://2130706433/"}}), HasSubstr("unusual form"));
  EXPECT_EQ(server_.connections(), 0);
}

TEST_F(WebToolsTest, EveryMethodSaysWhatItWasGiven) {
  for (const auto& [tool, method] : std::vector<std::pair<const char*, const char*>>{
           {"web_post", "POST"}, {"web_put", "PUT"}, {"web_patch", "PATCH"}, {"web_delete", "DELETE"}}) {
    const std::string answer =
        use(tool,
            {{"url", url("/echo?a=1")}, {"query", {{"b c", "d&e"}}}, {"headers", {{"X-Mine", "yes"}}}, {"body", "{}"}});
    EXPECT_THAT(answer, StartsWith("HTTP status 200"));
    EXPECT_THAT(answer, HasSubstr("x-own: yes\n"));
    EXPECT_THAT(answer, HasSubstr(std::string("\n\n") + method + " /echo?a=1&b%20c=d%26e HTTP/1.1\r\n"));
    EXPECT_THAT(answer, AllOf(HasSubstr("X-Mine: yes\r\n"), EndsWith("\r\n\r\n{}\n")));
  }
  EXPECT_THAT(use("web_head", {{"url", url("/page")}}),
              AllOf(HasSubstr("content-type: text/html; charset=utf-8\n"), Not(HasSubstr("Hello"))));
  EXPECT_THAT(use("web_get", {{"url", url("/page")}}), HasSubstr("<title>T</title>"));
}

TEST_F(WebToolsTest, SizesAndAttemptsAreBounded) {
  limits_.max_response_bytes = 1000;
  limits_.max_request_bytes = 10;
  const std::string answer = use("web_get", {{"url", url("/big")}});
  EXPECT_THAT(answer, HasSubstr("\n" + std::string(1000, 'x') + "\n[cut: only the first 1000 B were read]"));
  EXPECT_EQ(use("web_put", {{"url", url("/")}, {"body", "12345678901"}}), "web_put: body has 11 bytes; 10 may be sent");
  EXPECT_THAT(use("web_get", {{"url", url("/busy")}}), HasSubstr("at last"));
  busy_ = 0;
  EXPECT_THAT(use("web_post", {{"url", url("/busy")}}), StartsWith("HTTP status 503")) << "a POST is not repeated";
}

TEST_F(WebToolsTest, AnAgentsPoliciesNarrowRequests) {
  const auto policy = [this](const char* key, const char* value) {
    ports::ToolPolicies policies;
    ASSERT_TRUE(policies.set("webtools", key, value).ok());
    environment_.web.push_back(policies.web);
  };
  policy("_max_attempts", "2");
  EXPECT_THAT(use("web_get", {{"url", url("/busy")}}), StartsWith("HTTP status 503"));
  EXPECT_EQ(busy_, 2);
  policy("_disallow_redirects", "true");
  EXPECT_THAT(use("web_fetch", {{"url", url("/to-page")}}), HasSubstr("has moved to " + url("/page")));
  EXPECT_THAT(use("web_get", {{"url", url("/to-loop")}}), StartsWith("HTTP status 302"));
  net::LoopbackServer silent([](net::ServerConnection& connection) { connection.wait_until_closed(); });
  policy("_request_timeout_seconds", "0");
  EXPECT_EQ(use("web_get", {{"url", silent.url()}}), "127.0.0.1 did not answer within the time");
}

TEST(WebLimits, PoliciesSetThePausesAndNeverRaiseTheRest) {
  const WebLimits usual;
  const WebLimits wider =
      narrowed(usual, {{.request_timeout_seconds = 9'000, .max_attempts = 9'000, .max_backoff_ms = INT64_MAX}});
  EXPECT_EQ(wider.timeout, usual.timeout);
  EXPECT_EQ(wider.max_attempts, usual.max_attempts);
  const WebLimits narrow = narrowed(usual, {{.max_attempts = 0, .initial_backoff_ms = 7, .max_backoff_ms = 5}});
  EXPECT_EQ(narrow.max_attempts, 1) << "the first one is no repetition";
  EXPECT_EQ(narrow.first_pause, std::chrono::milliseconds(5));
  EXPECT_EQ(narrow.longest_pause, std::chrono::milliseconds(5));
}

TEST_F(WebToolsTest, SilentServerIsATimeout) {
  net::LoopbackServer silent([](net::ServerConnection& connection) { connection.wait_until_closed(); });
  limits_.timeout = std::chrono::milliseconds(50);
  EXPECT_EQ(use("web_get", {{"url", silent.url()}}), "127.0.0.1 did not answer within the time");
}

TEST_F(WebToolsTest, ArgumentsAreChecked) {
  EXPECT_EQ(use("web_get", base::Json::object()), "web_get: url is missing");
  EXPECT_THAT(use("web_get", {{"url", "file:///etc/passwd"}}), StartsWith("web_get: the URL"));
  EXPECT_EQ(use("web_get", {{"url", url("/")}, {"headers", {{"Host", "evil"}}}}),
            "web_get: headers.Host is set by the tool itself");
  EXPECT_THAT(use("web_get", {{"url", url("/")}, {"headers", {{"X", "a\r\nHost: evil"}}}}),
              HasSubstr("cannot be sent"));
  EXPECT_EQ(use("web_get", {{"url", url("/")}, {"query", {{"a", 1}}}}),
            "web_get: query.a must be a string, not a number");
  EXPECT_EQ(use("web_fetch", {{"url", url("/")}, {"part", "body"}}),
            "web_fetch: part must be one of [\"main\",\"whole\"], not \"body\"");
  EXPECT_THAT(use("web_get", {{"url", url("/")}, {"approved", true}}), HasSubstr("\"approved\" is not an argument"));
}

}  // namespace
}  // namespace lathe::tools::web
