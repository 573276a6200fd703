-- For `supabase db reset` on the local Docker stack: tells the database where the edge functions are. Anywhere else, as after
-- `db push --include-seed`, it does nothing. The local stack is known by the secret that the CLI signs tokens with there, which
-- it publishes and no project has. The secret key is not written down here; store it once as the README says.
do $seed$
begin
  if current_setting('app.settings.jwt_secret', true) = 'super-secret-jwt-token-with-at-least-32-characters-long'
    and not exists (select from vault.secrets where name = 'project_url')
  then
    perform vault.create_secret('http://api.supabase.internal:8000', 'project_url');
  end if;
end
$seed$;
