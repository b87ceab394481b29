package dev.culebra.text;

/**
 * A token that does not come from merges: it represents the whole of {@code content}.
 *
 * @param id the token
 * @param content its text
 * @param special whether it is a marker instead of text: it is then recognised in text only on
 *     request
 */
public record AddedToken(int id, String content, boolean special) {
  public AddedToken {
    if (content.isEmpty()) {
      throw new IllegalArgumentException("added token %d has no content".formatted(id));
    }
  }
}
