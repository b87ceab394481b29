package dev.culebra.text;

/**
 * A token that no merge makes: it stands for {@code content} as a whole.
 *
 * @param id the token
 * @param content what it is written as
 * @param special whether it marks something instead of being text: it is then recognised in a text
 *     only where that is asked for
 */
public record AddedToken(int id, String content, boolean special) {
  public AddedToken {
    if (content.isEmpty()) {
      throw new IllegalArgumentException("added token %d has no content".formatted(id));
    }
  }
}
