package dev.culebra.examples.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import org.junit.jupiter.api.Test;

class HtmlTest {
  @Test
  void markupIsText() {
    assertThat(Html.escape("<b a='1' c=\"2\">&amp;</b>"))
        .isEqualTo("&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;&lt;/b&gt;");
    assertThat(Html.escape("a\n\tb ö 漢 \uD83D\uDE00")).isEqualTo("a\n\tb ö 漢 \uD83D\uDE00");
  }

  @Test
  void invalidCharactersAreReplaced() {
    assertThat(Html.escape("\u0000\u001B[1m\r\n\r")).isEqualTo("\u2400\u241B[1m\n\u240D");
    assertThat(Html.escape("\uD83D \u0085 \u007F")).isEqualTo("\uFFFD \uFFFD \uFFFD");
  }

  @Test
  void jsonCannotEndItsScriptAndKeepsItsValue() throws Exception {
    JsonMapper mapper = JsonMapper.builder().build();
    String text = "</script><!-- ]]> & \u2028\u2029 \" \\ </SCRIPT";
    String json = Html.scriptJson(mapper.writeValueAsString(text));

    assertThat(json).doesNotContain("<", ">", "&", "\u2028", "\u2029");
    assertThat(mapper.readValue(json, String.class)).isEqualTo(text);
  }
}
