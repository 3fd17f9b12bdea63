#include "lathe/tools/web/html_text.h"

#include <gtest/gtest.h>

#include "lathe/tools/web/html_entities.h"

namespace lathe::tools::web {
namespace {

std::string text_of(std::string_view page, PagePart part = PagePart::kWhole) {
  return readable_text(page, {.part = part, .resolve_link = [](std::string_view link) { return std::string(link); }})
      .text;
}

TEST(ReadableText, APage) {
  const auto page = readable_text(
      "<!DOCTYPE html><html><head><title> A  page </title><style>p{x:y}</style></head><body>\n"
      "<!-- a <b>comment</b> --><nav><a href=/home>Home</a></nav>"
      "<main><h1>Big &amp; bold</h1><p>Some   <b>text</b>,\n more.<p>Next<br>line"
      "<ul><li>one<li>two</ul><script>if (a<b) { '</p>' }</script>"
      "<pre>  kept\n   as is</pre><table><tr><th>a<th>b<tr><td>1<td>2</table>"
      "<img alt='A cat' src=x><a href=\"https://e.com/?a=1&amp;b=2\">link</a></main><footer>foot</footer>",
      {.resolve_link = [](std::string_view link) { return std::string(link); }});
  EXPECT_EQ(page.title, "A  page");
  EXPECT_EQ(page.text,
            "# Big & bold\n\nSome text, more.\n\nNext\nline\n\n- one\n- two\n\n  kept\n   as is\n\na | b\n1 | 2\n\n"
            "[image: A cat]link (https://e.com/?a=1&b=2)");
  EXPECT_FALSE(page.cut);
}

TEST(ReadableText, MainPartOrWhole) {
  constexpr std::string_view kPage = "<nav>menu</nav><article>story</article><footer>foot</footer>";
  EXPECT_EQ(text_of(kPage, PagePart::kMain), "story");
  EXPECT_EQ(text_of(kPage), "menu\n\nstory\n\nfoot");
  EXPECT_EQ(text_of("<nav>menu</nav><main></main>rest", PagePart::kMain), "menu\nrest") << "an empty main says nothing";
}

TEST(ReadableText, BrokenMarkup) {
  EXPECT_EQ(text_of("a < b && c > d"), "a < b && c > d");
  EXPECT_EQ(text_of("x</"), "x</");
  EXPECT_EQ(text_of("x<a href='never ends>y"), "x");
  EXPECT_EQ(text_of("x<!-- never ends"), "x");
  EXPECT_EQ(text_of("x<script>never ends"), "x");
  EXPECT_EQ(text_of("x<scripty>y</scripty>z"), "xyz");
  EXPECT_EQ(text_of("<script></scriptx>a</SCRIPT >b"), "b");
  EXPECT_EQ(text_of("<p title='a>b' data-x=\"c>d\">t</p></p></div>"), "t");
  EXPECT_EQ(text_of("a<svg><text>drawn</text></svg>b<svg/>c"), "abc");
  EXPECT_EQ(text_of(std::string("bad \xff utf-8\0", 12)), std::string("bad \xef\xbf\xbd utf-8\0", 14));
}

TEST(ReadableText, HostilePagesCostWhatTheirBytesCost) {
  std::string nested;
  for (int i = 0; i < 300'000; ++i) nested += "<b>";
  EXPECT_EQ(text_of(nested + "deep"), "deep");
  std::string attributes = "<a";
  for (int i = 0; i < 300'000; ++i) attributes += " x";
  EXPECT_EQ(text_of(attributes + ">many"), "many");
  std::string opened;
  for (int i = 0; i < 300'000; ++i) opened += "<a href=h";
  EXPECT_EQ(text_of(opened), "");
  std::string closes = "<script>";
  for (int i = 0; i < 300'000; ++i) closes += "</s";
  EXPECT_EQ(text_of(closes), "");
}

TEST(ReadableText, TextIsBounded) {
  std::string page;
  for (int i = 0; i < 1000; ++i) page += "<a href=x>y</a> ";
  const auto cut = readable_text(page, {.max_bytes = 100, .resolve_link = [](auto) { return std::string(90, 'l'); }});
  EXPECT_TRUE(cut.cut);
  EXPECT_LE(cut.text.size(), 100U);
}

TEST(DecodeEntities, NamesAndNumbers) {
  EXPECT_EQ(decode_entities("&lt;&amp;&quot;&apos;&nbsp;&eacute;&mdash;&#65;&#x20AC;&thetasym;"),
            "<&\"'\u00a0\u00e9\u2014A\u20ac\u03d1");
  EXPECT_EQ(decode_entities("&amp no; &nosuch; & &; &#; &#x; &"), "& no; &nosuch; & &; &#; &#x; &");
  EXPECT_EQ(decode_entities("&#0;&#xD800;&#x110000;&#99999999999;"), "\ufffd\ufffd\ufffd\ufffd");
  EXPECT_EQ(decode_entities("&#147;x&#148;"), "\u201cx\u201d") << "Windows-1252, as browsers take it";
}

}  // namespace
}  // namespace lathe::tools::web
