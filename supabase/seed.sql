-- For `supabase db reset` on the local Docker stack: tells the database where the edge functions are. The secret key is not
-- written down here; store it once with  select vault.create_secret('sb_secret_...', 'edge_function_secret_key');
do $seed$
begin
  if not exists (select from vault.decrypted_secrets where name = 'project_url') then
    perform vault.create_secret('http://api.supabase.internal:8000', 'project_url');
  end if;
end
$seed$;
